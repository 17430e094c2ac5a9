"""The Django project and what joins the apps."""
