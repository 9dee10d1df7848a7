"""Where the shop's customers live, with what belongs to a place: state, postcodes, currency, languages, phones.

A ``#`` in a postcode or a phone number is any digit, a ``@`` any letter.
"""

from typing import Final, NamedTuple


class Place(NamedTuple):
    """One city."""

    city: str
    state: str | None
    postcode: str


class Country(NamedTuple):
    """One country.

    :param weight: how many of a thousand customers live there.
    :param phones: spellings of its numbers, all but the last two digits; ``{}`` is an area code.
    """

    weight: int
    currency: str
    languages: tuple[str, ...]
    phones: tuple[str, ...]
    places: tuple[Place, ...]


def _places(text: str) -> tuple[Place, ...]:
    entries = (entry.split("|") for entry in text.replace("\n", " ").split(";"))
    return tuple(Place(city.strip(), state.strip() or None, code.strip()) for city, state, code in entries)


# The usual spellings oftener than the others.
_AT_HOME: Final = (
    *("({}) ###-##", "({}) ###-##", "{}-###-##", "{}-###-##", "{}#####", "{}#####", "+1{}#####", "+1{}#####"),
    *("{}.###.##", "{} ### ##", "({})###-##", "1-{}-###-##", "+1 ({}) ###-##", "+1-{}-###-##", "+1 {} ### ##"),
)
_US: Final = """
    New York|NY|100##; Brooklyn|NY|112##; Buffalo|NY|142##; Rochester|NY|146##; Los Angeles|CA|900##;
    San Diego|CA|921##; San Jose|CA|951##; San Francisco|CA|941##; Fresno|CA|937##; Sacramento|CA|958##;
    Oakland|CA|946##; Chicago|IL|606##; Aurora|IL|605##; Naperville|IL|605##; Houston|TX|770##; San Antonio|TX|782##;
    Dallas|TX|752##; Austin|TX|787##; Fort Worth|TX|761##; El Paso|TX|799##; Phoenix|AZ|850##; Tucson|AZ|857##;
    Mesa|AZ|852##; Philadelphia|PA|191##; Pittsburgh|PA|152##; Allentown|PA|181##; Jacksonville|FL|322##;
    Miami|FL|331##; Tampa|FL|336##; Orlando|FL|328##; Hialeah|FL|330##; Columbus|OH|432##; Cleveland|OH|441##;
    Cincinnati|OH|452##; Toledo|OH|436##; Charlotte|NC|282##; Raleigh|NC|276##; Greensboro|NC|274##;
    Indianapolis|IN|462##; Fort Wayne|IN|468##; Seattle|WA|981##; Spokane|WA|992##; Tacoma|WA|984##; Denver|CO|802##;
    Colorado Springs|CO|809##; Boulder|CO|803##; Washington|DC|200##; Boston|MA|021##; Worcester|MA|016##;
    Springfield|MA|011##; Nashville|TN|372##; Memphis|TN|381##; Knoxville|TN|379##; Detroit|MI|482##;
    Grand Rapids|MI|495##; Ann Arbor|MI|481##; Portland|OR|972##; Eugene|OR|974##; Las Vegas|NV|891##; Reno|NV|895##;
    Louisville|KY|402##; Lexington|KY|405##; Baltimore|MD|212##; Annapolis|MD|214##; Milwaukee|WI|532##;
    Madison|WI|537##; Albuquerque|NM|871##; Cañon City|CO|812##; Española|NM|875##; Kansas City|MO|641##;
    St. Louis|MO|631##; Atlanta|GA|303##; Savannah|GA|314##; Omaha|NE|681##; Minneapolis|MN|554##; St. Paul|MN|551##;
    New Orleans|LA|701##; Baton Rouge|LA|708##; Wichita|KS|672##; Tulsa|OK|741##; Oklahoma City|OK|731##;
    Honolulu|HI|968##; Anchorage|AK|995##; Newark|NJ|071##; Jersey City|NJ|073##; Virginia Beach|VA|234##;
    Richmond|VA|232##; Birmingham|AL|352##; Mobile|AL|366##; Little Rock|AR|722##; Salt Lake City|UT|841##;
    Provo|UT|846##; Boise|ID|837##; Des Moines|IA|503##; Providence|RI|029##; Hartford|CT|061##; Stamford|CT|069##;
    Charleston|SC|294##; Columbia|SC|292##; Jackson|MS|392##; Sioux Falls|SD|571##; Fargo|ND|581##; Billings|MT|591##;
    Cheyenne|WY|820##; Burlington|VT|054##; Manchester|NH|031##; Portland|ME|041##; Wilmington|DE|198##
"""
_CANADA: Final = """
    Toronto|ON|M5@ #@#; Ottawa|ON|K1@ #@#; Hamilton|ON|L8@ #@#; London|ON|N6@ #@#; Montréal|QC|H2@ #@#;
    Québec|QC|G1@ #@#; Trois-Rivières|QC|G8@ #@#; Vancouver|BC|V6@ #@#; Victoria|BC|V8@ #@#; Calgary|AB|T2@ #@#;
    Edmonton|AB|T5@ #@#; Winnipeg|MB|R3@ #@#; Halifax|NS|B3@ #@#; Saskatoon|SK|S7@ #@#
"""
_BRITAIN: Final = """
    London||SW## #@@; London||NW## #@@; Birmingham||B## #@@; Manchester||M## #@@; Leeds||LS## #@@; Glasgow||G## #@@;
    Edinburgh||EH## #@@; Cardiff||CF## #@@; Bristol||BS## #@@; Belfast||BT## #@@
"""

COUNTRIES: Final = (
    Country(775, "USD", ("en-US",) * 8 + ("es-US", "es-MX"), _AT_HOME, _places(_US)),
    Country(90, "CAD", ("en-CA", "en-CA", "fr-CA"), _AT_HOME, _places(_CANADA)),
    Country(50, "GBP", ("en-GB",), ("+44 7### ####", "+447#######", "+44 (0)7### ####"), _places(_BRITAIN)),
    Country(
        20,
        "EUR",
        ("de-DE", "de"),
        ("+49 15# ######", "+4917#######"),
        _places("Berlin||10###; München||80###; Köln||50###; Hamburg||20###; Düsseldorf||40###; Leipzig||04###"),
    ),
    Country(
        15,
        "EUR",
        ("fr-FR", "fr"),
        ("+33 6 ## ## ## ", "+336######"),
        _places("Paris||750##; Lyon||690##; Marseille||130##; Orléans||450##; Saint-Étienne||420##"),
    ),
    Country(
        15,
        "MXN",
        ("es-MX",),
        ("+52 55 #### ##", "+5281######"),
        _places("Ciudad de México|CDMX|06###; Monterrey|NL|64###; Guadalajara|JAL|44###; Mérida|YUC|97###"),
    ),
    Country(
        15,
        "AUD",
        ("en-AU",),
        ("+61 4## ### #", "+614######"),
        _places("Sydney|NSW|20##; Melbourne|VIC|30##; Brisbane|QLD|40##; Perth|WA|60##"),
    ),
    Country(
        10,
        "JPY",
        ("ja-JP", "ja"),
        ("+81 90-####-##", "+8180######"),
        _places("東京||10#-####; 大阪||53#-####"),
    ),
    Country(
        10,
        "EUR",
        ("es-ES",),
        ("+34 6## ### #", "+346######"),
        _places("Madrid||280##; Málaga||290##; València||460##"),
    ),
)
# Of the Americas' plan of ten digits.
AREA_CODES: Final = tuple(
    """
    201 202 203 205 206 207 208 209 210 212 213 214 215 216 217 218 219 220 224 225 228 229 231 234 239 240 248 251 252
    253 254 256 260 262 267 269 270 272 276 281 301 302 303 304 305 307 308 309 310 312 313 314 315 316 317 318 319 320
    321 323 325 330 331 334 336 337 339 346 347 351 352 360 361 386 401 402 404 405 406 407 408 409 410 412 413 414 415
    416 417 418 419 423 424 425 430 432 434 435 437 438 440 442 443 450 458 463 469 470 475 478 479 480 484 501 502 503
    504 505 506 507 508 509 510 512 513 514 515 516 517 518 519 520 530 531 534 539 540 541 551 559 561 562 563 567 570
    571 573 574 575 580 585 586 601 602 603 604 605 606 607 608 609 610 612 613 614 615 616 617 618 619 620 623 626 628
    629 630 631 636 641 646 647 650 651 657 660 661 662 667 669 678 681 682 701 702 703 704 706 707 708 712 713 714 715
    716 717 718 719 720 724 725 727 731 732 734 737 740 743 747 754 757 760 762 763 765 769 770 772 773 774 775 778 779
    781 785 786 801 802 803 804 805 806 808 810 812 813 814 815 816 817 818 819 828 830 831 832 843 845 847 848 850 854
    856 857 858 859 860 862 863 864 865 870 872 878 901 903 904 906 907 908 909 910 912 913 914 915 916 917 918 919 920
    925 928 929 931 934 936 937 938 940 941 947 949 951 952 954 956 959 970 971 972 973 978 979 980 984 985 989
    """.split()  # noqa: SIM905 - 300 quoted codes are harder to check
)
