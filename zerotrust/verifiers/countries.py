"""Codes of countries: ISO 3166-1 alpha-2, those that are assigned and those that are left to users."""

from __future__ import annotations

from typing import Final

from zerotrust.core.errors import ConfigError

_ASSIGNED: Final = """
AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA
CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA
GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP
KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS
MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS
RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW
TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW
"""

# Section 8.1.3: for whoever needs a code of their own, such as XK for Kosovo, or XX for nowhere.
_OF_USERS: Final = frozenset(
    ["AA", "ZZ"] + [f"Q{letter}" for letter in "MNOPQRSTUVWXYZ"] + [f"X{chr(code)}" for code in range(65, 91)]
)

CODES: Final = frozenset(_ASSIGNED.split()) | _OF_USERS

_MISTAKEN: Final = {"UK": "GB", "EN": "GB", "EL": "GR", "JA": "JP", "SW": "SE", "EU": "the countries of the union"}


def check_country(code: object) -> str:
    """`code` if it is one; else `ConfigError` with what to write."""
    if isinstance(code, str) and code in CODES:
        return code
    known = code.upper() if isinstance(code, str) else ""
    advice = 'write an ISO 3166-1 alpha-2 code such as "DE"'
    if known in CODES:
        advice = f'write "{known}"'
    elif known in _MISTAKEN:
        advice = f"ISO 3166-1 has {_MISTAKEN[known]}"
    raise ConfigError(f"country({code!r}): {advice}")
