"""Rounding money: minor units per currency, and splitting an amount without losing a penny."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal

# ISO 4217 currencies that do not have two decimals.
# https://www.six-group.com/en/products-services/financial-information/data-standards.html
_WHOLE = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THREE = "BHD IQD JOD KWD LYD OMR TND"
_TWO = (
    "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP CRC CUP"
    " CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES"
    " KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK"
    " NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB"
    " TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD YER ZAR ZMW ZWG"
)
_DECIMALS = dict.fromkeys(_WHOLE.split(), 0) | dict.fromkeys(_THREE.split(), 3)


CURRENCIES = frozenset(f"{_WHOLE} {_TWO} {_THREE}".split())  # those money is in; neither metals nor funds


def currency_quantum(currency: str) -> Decimal:
    """The smallest amount of a currency: 0.01 for GBP, 1 for JPY, 0.001 for KWD."""
    return Decimal(1).scaleb(-_DECIMALS.get(currency.upper(), 2))


def round_money(amount: Decimal, currency: str) -> Decimal:
    """`amount` to the currency's minor unit, half up (away from zero)."""
    return amount.quantize(currency_quantum(currency), rounding=ROUND_HALF_UP)


def describe_money(amount: Decimal, currency: str) -> str:
    """ "25.20 GBP", with the currency's own decimals."""
    return f"{round_money(amount, currency)} {currency}"


def exact_money(amount: Decimal, currency: str) -> Decimal:
    """`amount` with the currency's decimals, or as many more as it has: 4.50, but 4.166667."""
    short = round_money(amount, currency)
    return short if short == amount else amount.normalize()


def allocate(total: Decimal, weights: Sequence[Decimal], currency: str) -> list[Decimal]:
    """`total` split by non-negative `weights`, by the largest remainder; the parts always sum to `total`.

    Raises ValueError where the total is finer than the currency, or no weight is positive.
    """
    quantum = currency_quantum(currency)
    if total % quantum:
        raise ValueError(f"{total} is finer than {currency} allows.")
    whole = sum(weights, Decimal(0))
    if whole <= 0 or any(weight < 0 for weight in weights):
        raise ValueError("Weights must not be negative, and one must be positive.")
    sign, units = (-1 if total < 0 else 1), int(abs(total) / quantum)
    exact = [units * weight / whole for weight in weights]
    parts = [int(share.to_integral_value(ROUND_FLOOR)) for share in exact]
    by_remainder = sorted(range(len(parts)), key=lambda i: (parts[i] - exact[i], i))
    for index in by_remainder[: units - sum(parts)]:
        parts[index] += 1
    return [sign * part * quantum for part in parts]
