FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PATH=/opt/venv/bin:$PATH VAR_DIR=/var/lib/stockbridge
RUN useradd --create-home --uid 10001 stockbridge && install -d -o stockbridge /var/lib/stockbridge
WORKDIR /srv/stockbridge
COPY requirements.lock ./
RUN python -m venv /opt/venv && pip install --no-cache-dir --require-hashes -r requirements.lock
COPY manage.py LICENSE ./
COPY portal portal
COPY integrations integrations
COPY catalog catalog
COPY orders orders
COPY templates templates
# Static files are the same everywhere; the key is used for this one command and thrown away.
RUN LOCAL=0 SECRET_KEY=collectstatic VAR_DIR=/tmp/build python manage.py collectstatic --noinput --verbosity 0
USER stockbridge
EXPOSE 8000
CMD ["gunicorn", "portal.wsgi:application", "--bind", "0.0.0.0:8000", "--worker-class", "gthread", "--workers", "4", "--threads", "8", "--timeout", "60"]
