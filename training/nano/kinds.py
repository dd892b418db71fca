"""The kinds of things that the training texts are about.

A kind is a list of fields. A field knows by which names a type may ask for it, which schemas it may have, how a value
is drawn for a schema (the value, and how a text says it), and sentences that mention it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from words import LISTS, Draw

Schema = dict[str, Any]
Drawn = tuple[Any, str]  # the value of the answer, and its words in the text


@dataclass(frozen=True)
class Field:
    """One thing that a text can tell.

    Attributes:
        names: what a type may call it, in snake_case; the first also labels it in texts.
        schema: draws a schema.
        value: draws a value for a schema.
        phrases: sentences with ``{}`` for the value's words.
        note: a description that the schema may carry.
    """

    names: tuple[str, ...]
    schema: Callable[[Draw], Schema]
    value: Callable[[Draw, Schema], Drawn]
    phrases: tuple[str, ...]
    note: str = ""


@dataclass(frozen=True)
class Kind:
    """A kind of record: its names, its fields (the first is its subject) and what groups of them may be called."""

    names: tuple[str, ...]
    fields: tuple[Field, ...]
    groups: tuple[tuple[str, tuple[int, ...]], ...] = ()


MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
"December"]


def _string(draw: Draw) -> Schema:
    return {"type": "string"}


def text(names: str, make: Callable[[Draw], str], *phrases: str, note: str = "", form: str = "") -> Field:
    def schema(draw: Draw) -> Schema:
        if form and draw.chance(0.25):
            return {"type": "string", "format": form}
        if draw.chance(0.04):
            return {"type": "string", **draw.choice(({"minLength": 1}, {"maxLength": 80},
                                                     {"minLength": 2, "maxLength": 120}))}
        return {"type": "string"}

    def value(draw: Draw, schema: Schema) -> Drawn:
        made = make(draw)
        return made, made
    return Field(tuple(names.split()), schema, value, phrases, note)


def date(names: str, *phrases: str, note: str = "") -> Field:
    def schema(draw: Draw) -> Schema:
        return {"type": "string", "format": "date"} if draw.chance(0.6) else {"type": "string"}

    def value(draw: Draw, schema: Schema) -> Drawn:
        day = draw.date()
        said = say_date(draw, day)
        return (day.isoformat() if "format" in schema else said), said
    return Field(tuple(names.split()), schema, value, phrases, note)


def say_date(draw: Draw, day: dt.date) -> str:
    month = MONTHS[day.month - 1]
    short = month[:3]
    return draw.choice((day.isoformat(), day.isoformat(), f"{day.day} {month} {day.year}",
                        f"{month} {day.day}, {day.year}",
                        f"{day.day} {short} {day.year}"))


def money(names: str, *phrases: str, hi: int = 5000, note: str = "") -> Field:
    def schema(draw: Draw) -> Schema:
        return {"type": "number", **({"minimum": 0} if draw.chance(0.15) else {})}

    def value(draw: Draw, schema: Schema) -> Drawn:
        amount, said = draw.money(hi)
        return amount, draw.choice(("${}", "{} EUR", "€{}", "{} dollars", "{}", "£{}", "USD {}")).format(said)
    return Field(tuple(names.split()), schema, value, phrases, note)


def measure(names: str, unit: str, hi: int, *phrases: str) -> Field:
    def schema(draw: Draw) -> Schema:
        return {"type": "number"}

    def value(draw: Draw, schema: Schema) -> Drawn:
        if draw.chance(0.4):
            whole = draw.integer(1, hi)
            return whole, f"{whole} {unit}"
        said = draw.own(lambda: f"{draw.rng.random() ** 2 * hi + 0.1:.1f}")
        return float(said), f"{said} {unit}"
    return Field(tuple(names.split()), schema, value, phrases)


def count(names: str, hi: int, *phrases: str, lo: int = 1, note: str = "") -> Field:
    def schema(draw: Draw) -> Schema:
        return {"type": "integer", **({"minimum": lo} if draw.chance(0.15) else {})}

    def value(draw: Draw, schema: Schema) -> Drawn:
        number = draw.integer(lo, hi)
        return number, str(number)
    return Field(tuple(names.split()), schema, value, phrases, note)


def scale(names: str, *phrases: str) -> Field:
    def schema(draw: Draw) -> Schema:
        return {"type": "integer", **({"minimum": 1, "maximum": 5} if draw.chance(0.4) else {})}

    def value(draw: Draw, schema: Schema) -> Drawn:
        stars = draw.between(1, 5)
        return stars, str(stars)
    return Field(tuple(names.split()), schema, value, phrases)


def choice(names: str, options: dict[str, tuple[str, ...]], *phrases: str) -> Field:
    """One of several words; a text may say it in others."""
    def schema(draw: Draw) -> Schema:
        shown = draw.sample(list(options), draw.between(max(2, len(options) - 2), len(options)))
        return {"enum": shown, "type": "string"} if draw.chance(0.9) else {"type": "string"}

    def value(draw: Draw, schema: Schema) -> Drawn:
        if "enum" not in schema:
            word = draw.choice(list(options))
            return word, word
        word = draw.choice(schema["enum"])
        said = draw.choice((word, word, word.capitalize(), *options[word]))
        return word, said
    return Field(tuple(names.split()), schema, value, phrases)


def flag(names: str, yes: tuple[str, ...], no: tuple[str, ...]) -> Field:
    """A truth value; the words of the text are whole sentences."""
    def value(draw: Draw, schema: Schema) -> Drawn:
        truth = draw.chance(0.5)
        return truth, draw.choice(yes if truth else no)
    return Field(tuple(names.split()), lambda draw: {"type": "boolean"}, value, ("{}",))


def words(names: str, make: Callable[[Draw], str], *phrases: str) -> Field:
    """A list of strings."""
    def value(draw: Draw, schema: Schema) -> Drawn:
        items = [make(draw) for _ in range(draw.between(1, 4))]
        items = list(dict.fromkeys(items))
        return items, listing(draw, items)
    return Field(tuple(names.split()), lambda draw: {"type": "array", "items": {"type": "string"}}, value, phrases)


def listing(draw: Draw, items: list[str]) -> str:
    if len(items) == 1:
        return items[0]
    if draw.chance(0.5):
        return ", ".join(items)
    return ", ".join(items[:-1]) + " and " + items[-1]


def records(names: str, item: str, fields: tuple[Field, ...], patterns: tuple[str, ...], *phrases: str) -> Field:
    """A list of objects; a pattern names the fields by their first names, and those it does not name are not asked."""
    def schema(draw: Draw) -> Schema:
        pattern = draw.choice(patterns)
        told = [field for field in fields if "{" + field.names[0] + "}" in pattern]
        asked = told if draw.chance(0.7) else draw.sample(told, max(1, len(told) - 1))
        if draw.chance(0.4):
            asked = draw.sample(asked, len(asked))
        properties = {draw.choice(field.names): field.schema(draw) for field in asked}
        keys = {field.names[0]: key for field, key in zip(asked, properties, strict=True)}
        return {"type": "array", "items": {"type": "object", "properties": properties, "required": list(properties)},
                "_pattern": pattern, "_keys": keys, "_item": item}

    def value(draw: Draw, schema: Schema) -> Drawn:
        rows, said = [], []
        properties = schema["items"]["properties"]
        for _ in range(draw.choice((1, 2, 2, 2, 3, 3, 4))):
            row, words = {}, {}
            for field in fields:
                if "{" + field.names[0] + "}" in schema["_pattern"]:
                    key = schema["_keys"].get(field.names[0])
                    drawn, shown = field.value(draw, properties[key] if key else field.schema(draw))
                    words[field.names[0]] = shown
                    if key:
                        row[key] = drawn
            rows.append({key: row[key] for key in properties})
            said.append(schema["_pattern"].format(**words))
        if draw.chance(0.25):
            return rows, "\n" + "\n".join(f"- {line}" for line in said)
        return rows, ("; ".join(said) if draw.chance(0.3) else listing(draw, said))
    return Field(tuple(names.split()), schema, value, phrases)


_PRODUCT = text("product item name article", Draw.product)
_QUANTITY = count("quantity qty count amount units", 480)
_PRICE = money("price unit_price cost", hi=900)
_SKU = text("sku code article_number", lambda draw: draw.code(("SKU", "AR", "P")))
_LINES = records("lines items products order_lines positions", "Line", (_PRODUCT, _QUANTITY, _PRICE, _SKU),
                 ("{quantity} x {product}", "{quantity} {product}", "{quantity} {product} at {price} each",
                  "{product} ({quantity})", "{quantity} x {product} for {price}", "{product} x{quantity} @ {price}",
                  "{sku} {product}, {quantity} pcs", "{quantity} of {product} ({sku})",
                  "{product}: {quantity} pieces, {price} apiece"),
                 "The order is for {}.", "Please send {}.", "I would like {}.", "Items: {}.", "We need {}.",
                 "Bought: {}.")
_ADDRESS = (
    text("street address street_address", Draw.street, "The address is {}.", "Lives at {}.", "Street: {}."),
    text("city town", Draw.city, "The city is {}.", "Based in {}.", "City: {}.", "Lives in {}."),
    text("zip postal_code zip_code postcode", lambda draw: draw.digits(5), "The zip code is {}.", "Zip {}.",
         "Postal code {}."),
)

CONTACT = Kind(("contact", "person", "customer", "user", "lead"), (
    text("name full_name person contact_name", Draw.person, "I met {} yesterday.", "Please add {} to the list.",
         "My name is {}.",
         "This is {}.", "{} called today.", "{} would like to be contacted.", "Contact: {}.", "New lead: {}.",
         "{} here."),
    text("email email_address mail e_mail", Draw.email, "Email: {}.", "The email is {}", "Write to {}", "mail {}",
         "Reach me at {}",
         "You can send it to {}", note="email address", form="email"),
    text("phone phone_number telephone tel mobile", Draw.phone, "Phone: {}.", "Call {}.", "The number is {}.",
         "tel. {}",
         "Reach me on {}.", "My phone is {}.", "Mobile {}."),
    text("company organization employer organisation", Draw.company, "Works at {}.", "From {}.", "The company is {}.",
         "I work for {}.",
         "Employer: {}."),
    choice("role job title position", {"manager": (), "engineer": (), "designer": (), "director": (), "nurse": (),
                                       "teacher": (),
           "analyst": (), "buyer": ()}, "Works as {}.", "Role: {}.", "The job is {}.", "I am {} there."),
    *_ADDRESS,
    count("age years", 98, "Is {} years old.", "Age {}.", "{} years old.", "I am {}.", lo=17),
    flag("newsletter subscribed wants_newsletter", ("Wants the newsletter.", "Please subscribe me to the newsletter.",
         "Newsletter: yes."), ("Does not want the newsletter.", "No newsletter please.", "Newsletter: no.")),
    words("languages speaks", lambda draw: draw.choice(("English", "French", "German", "Spanish", "Hindi", "Arabic",
                                                        "Polish",
          "Swedish", "Japanese", "Korean", "Dutch", "Turkish")), "Speaks {}.", "Languages: {}."),
), (("address", (5, 6, 7)), ("location", (5, 6, 7)), ("job", (3, 4)), ("details", (1, 2))))

ORDER = Kind(("order", "purchase", "purchase order"), (
    text("customer customer_name buyer client", Draw.person, "{} placed an order.", "Order from {}.",
         "Hello, this is {}.",
         "The customer is {}.", "Customer: {}.", "For {}."),
    _LINES,
    text("order_id id number order_number reference", lambda draw: draw.code(("ORD", "PO", "A")), "Order number {}.",
         "Ref {}.",
         "The order id is {}.", "It is order {}.", "Order {}."),
    date("date order_date ordered_on", "Ordered on {}.", "Date: {}.", "The order is from {}.", "Placed {}."),
    money("total total_price amount_due sum", "The total is {}.", "Total: {}.", "Comes to {}.", "In all {}.", hi=9000),
    flag("paid is_paid", ("Already paid.", "It has been paid.", "Paid: yes."),
         ("Not paid yet.", "Payment is open.", "Paid: no.")),
    choice("payment payment_method pay_by", {"card": ("credit card",), "cash": (), "transfer": ("bank transfer",),
           "invoice": (), "paypal": ("PayPal",)}, "Paying by {}.", "Payment: {}.", "Will pay with {}."),
    choice("currency", {"EUR": ("euros",), "USD": ("US dollars",), "GBP": ("pounds",), "SEK": ("kronor",)},
           "Currency {}.",
           "All prices in {}."),
    text("email contact_email", Draw.email, "Confirm to {}", "Email: {}", form="email"),
    *_ADDRESS[1:2],
    date("delivery_date deliver_by due", "Deliver by {}.", "Needed by {}.", "Delivery on {}."),
), (("payment_info", (4, 5, 6)), ("buyer_info", (0, 8))))

EVENT = Kind(("event", "meeting", "appointment"), (
    text("title name event_name event", Draw.event, "Join us for {}.", "You are invited to {}.", "Event: {}.",
         "Do not miss {}.",
         "{} is coming up.", "We are planning {}."),
    date("date day event_date", "It is on {}.", "Date: {}.", "On {}.", "Save the date: {}.", "It takes place on {}."),
    text("start start_time time begins", Draw.time, "Starts at {}.", "We begin at {}.", "Start {}.",
         "Doors open at {}."),
    text("end end_time until ends", Draw.time, "Ends at {}.", "Until {}.", "It goes on to {}."),
    text("place venue location where",
         lambda draw: f"{draw.proper(3)} {draw.choice(('Hall', 'Hotel', 'Cafe', 'Library', 'Center'))}",
         "At {}.", "The venue is {}.", "Location: {}.", "We meet at {}."),
    text("city town", Draw.city, "In {}.", "City: {}.", "It is held in {}."),
    text("organizer host organiser hosted_by", Draw.person, "Organized by {}.", "Your host is {}.", "Host: {}."),
    words("speakers guests attendees participants", Draw.person, "With {}.", "Speakers: {}.", "Guests are {}."),
    count("capacity seats max_guests", 900, "There are {} seats.", "Room for {} people.", "Capacity {}.", lo=5),
    money("price fee ticket_price", "Tickets cost {}.", "Entry is {}.", "The fee is {}.", hi=400),
    flag("online is_online virtual", ("It is online.", "Online event.", "Join by video."),
         ("In person only.", "Not online.",
         "On site.")),
), (("venue_info", (4, 5)), ("time_slot", (2, 3)), ("schedule", (1, 2, 3))))

TICKET = Kind(("ticket", "support ticket", "issue", "request"), (
    text("subject title summary problem", Draw.topic, "Problem: {}.", "Help, {}.", "Since today {}.",
         "I write because {}.",
         "It seems that {}.", "Subject: {}."),
    choice("priority severity urgency", {"low": ("not urgent",), "medium": ("normal",), "high": ("urgent",),
                                         "critical": ()},
           "Priority: {}.", "This is {}.", "Severity {}.", "I would say {} priority."),
    choice("category area type", {"billing": (), "technical": (), "account": (), "shipping": (), "other": ()},
           "Category: {}.",
           "It is a {} matter.", "Area: {}."),
    text("reporter customer name reported_by", Draw.person, "Regards, {}.", "Reported by {}.", "Thanks, {}.",
         "From {}.",
         "My name is {}."),
    text("email contact reply_to", Draw.email, "Answer to {}", "Email {}", "Contact: {}", form="email"),
    text("ticket_id id number ref", lambda draw: draw.code(("TK", "T", "CASE")), "Ticket {}.", "Case number {}.",
         "Ref: {}."),
    date("opened created date created_on", "Opened on {}.", "Since {}.", "Date: {}."),
    text("version app_version",
         lambda draw: draw.own(lambda: f"{draw.between(0, 19)}.{draw.between(0, 40)}.{draw.between(0, 30)}"),
         "Version {}.", "I use version {}.", "Running {}."),
    text("device machine hardware", lambda draw: f"{draw.proper()} {draw.between(1, 99)}", "On my {}.",
         "The device is {}.",
         "Device: {}."),
    flag("resolved solved closed", ("It is solved now.", "Resolved."),
         ("Not solved yet.", "Still open.", "Unresolved.")),
    count("affected_users users affected", 900, "{} users are affected.", "Hits {} people.", "Affected: {}."),
), (("contact_info", (3, 4)), ("environment", (7, 8))))

REVIEW = Kind(("review", "product review", "rating"), (
    text("product item product_name", Draw.product, "Review of {}.", "I bought the {}.", "About the {}:",
         "My new {} came last week.",
         "Product: {}."),
    scale("rating stars score", "{} stars.", "{} out of 5.", "Rating: {}.", "{}/5.", "I give it {} stars."),
    choice("sentiment opinion", {"positive": ("love it", "wonderful", "great"),
                                 "negative": ("hate it", "terrible", "awful"),
           "neutral": ("it is okay", "so so", "average")}, "My view: {}.", "In short: {}.", "Overall {}."),
    words("pros likes advantages",
          lambda draw: f"{draw.word()} {draw.choice(('design', 'price', 'handle', 'colour', 'sound', 'case'))}",
          "Pros: {}.", "I like: {}.", "Good: {}."),
    words("cons dislikes disadvantages",
          lambda draw: f"{draw.word()} {draw.choice(('smell', 'lid', 'button', 'manual', 'strap'))}",
          "Cons: {}.", "Bad: {}.", "I dislike: {}."),
    text("reviewer author name user", Draw.person, "Written by {}.", "By {}.", "Signed {}.", "Reviewer: {}."),
    money("price price_paid cost", "Paid {}.", "It cost {}.", "Price: {}.", hi=900),
    flag("recommended recommend would_recommend", ("I recommend it.", "Would buy again."), ("I do not recommend it.",
         "Would not buy again.", "Not recommended.")),
    flag("verified verified_purchase", ("Verified purchase.",), ("Not a verified purchase.",)),
    date("date reviewed_on", "Posted {}.", "Date: {}.", "Written on {}."),
    text("shop store seller", Draw.company, "Bought at {}.", "From {}.", "Seller: {}."),
), (("purchase", (6, 10)), ("verdict", (1, 2))))

SHIPMENT = Kind(("shipment", "parcel", "delivery", "package"), (
    text("tracking_number tracking tracking_id", lambda draw: draw.code(("TRK", "JD", "PK")) + draw.digits(4),
         "Parcel {} is on its way.",
         "Tracking number {}.", "Your shipment {} has left.", "Tracking: {}.", "News about package {}."),
    choice("carrier shipped_by company", {"DHL": (), "UPS": (), "FedEx": (), "PostNord": (), "DPD": (), "Hermes": ()},
           "Carried by {}.", "Sent with {}.", "Carrier: {}.", "{} brings it."),
    choice("status state", {"pending": (), "shipped": (), "delivered": (), "lost": (), "returned": ()}, "Status: {}.",
           "It is {}.", "The parcel was marked {}."),
    measure("weight weight_kg kilos", "kg", 60, "It weighs {}.", "Weight: {}.", "{} in all."),
    text("sender from_name shipper", Draw.company, "Sent by {}.", "Sender: {}.", "From {}."),
    text("recipient receiver to_name addressee", Draw.person, "For {}.", "Recipient: {}.", "To be handed to {}.",
         "Addressed to {}."),
    *_ADDRESS,
    date("shipped_on sent date_sent", "Shipped on {}.", "Left us on {}.", "Sent: {}."),
    date("expected eta delivery_date", "Expected on {}.", "Arrives {}.", "ETA: {}."),
    count("packages parcels boxes", 90, "{} boxes.", "Consists of {} packages.", "Packages: {}."),
    flag("fragile is_fragile", ("Fragile, handle with care.", "Fragile: yes.", "The content is fragile."),
         ("Not fragile.",
         "Fragile: no.")),
    flag("signature signature_required", ("Signature needed.", "Must be signed for."), ("No signature needed.",
         "Signature: no.")),
), (("destination", (6, 7, 8)), ("address", (6, 7, 8)), ("dates", (9, 10))))

INVOICE = Kind(("invoice", "bill"), (
    text("number invoice_number id invoice_id", lambda draw: draw.code(("INV", "R", "B")), "Invoice {}.",
         "Bill no. {}.",
         "Here is invoice {}.", "Invoice number: {}."),
    text("vendor seller issuer supplier", Draw.company, "From {}.", "Issued by {}.", "{} sent the bill.",
         "Vendor: {}."),
    text("customer billed_to client", lambda draw: draw.company() if draw.chance(0.5) else draw.person(), "To {}.",
         "Billed to {}.",
         "Customer: {}."),
    records("items lines entries", "Item", (_PRODUCT, _QUANTITY, _PRICE),
            ("{quantity} {product}, {price}", "{product} {price}",
            "{quantity} x {product} at {price}", "{product} for {price}"), "For {}.", "It lists {}.", "Items: {}."),
    money("total amount sum amount_due", "Total {}.", "Please pay {}.", "The amount is {}.", "Sum: {}.", hi=9000),
    measure("tax_rate tax vat", "%", 30, "Tax is {}.", "VAT {}.", "Tax rate: {}."),
    date("issued date invoice_date", "Issued on {}.", "Date: {}.", "Dated {}."),
    date("due due_date payable_by", "Due {}.", "Payable by {}.", "Due date: {}."),
    flag("paid settled", ("Paid already.", "It is settled."), ("Still unpaid.", "Not paid yet.")),
    text("iban account bank_account", lambda draw: draw.choice(("DE", "SE", "FR",
                                                                "NL")) + draw.digits(2) + " " + draw.digits(4) + " "
         + draw.digits(4), "Account {}.", "Pay to {}.", "IBAN: {}."),
), (("payment", (4, 7)), ("dates", (6, 7))))

JOB = Kind(("job", "job offer", "position", "vacancy"), (
    text("title position role", lambda draw: f"{draw.choice(('Senior', 'Junior', 'Lead', 'Head'))} {draw.word()} "
         f"{draw.choice(('Engineer', 'Manager', 'Analyst', 'Nurse', 'Driver', 'Baker'))}", "We are hiring: {}.",
         "Open position: {}.",
         "Join us as {}.", "Wanted: {}."),
    text("company employer firm", Draw.company, "At {}.", "{} is hiring.", "Company: {}.", "The employer is {}."),
    text("city location place", Draw.city, "In {}.", "Location: {}.", "Our office is in {}."),
    count("salary pay yearly_salary", 190000, "Pays {} a year.", "Salary: {}.", "We offer {}.", lo=900),
    words("skills requirements must_have", Draw.word, "Skills: {}.", "You know {}.", "Required: {}."),
    choice("employment contract job_type", {"full-time": (), "part-time": (), "temporary": (), "internship": ()},
           "It is {}.",
           "Contract: {}.", "Type: {}."),
    flag("remote is_remote", ("Remote is fine.", "Fully remote."), ("No remote work.", "On site only.")),
    date("deadline apply_by", "Apply by {}.", "Deadline: {}.", "Open until {}."),
    text("contact contact_person recruiter", Draw.person, "Ask for {}.", "Contact {}.", "Your recruiter is {}."),
    count("openings vacancies", 60, "{} openings.", "{} places.", "Number of openings: {}."),
), (("offer", (3, 5)), ("employer_info", (1, 2))))


def facts(draw: Draw) -> Kind:
    """A kind made up on the spot: labels that the text repeats, so the answer can only be found by reading."""
    fields = []
    labels = draw.sample(LISTS["label"], draw.between(3, 7))
    if draw.chance(0.4):
        labels[draw.between(0, len(labels) - 1)] = draw.syllables(2)
    for label in labels:
        said = label.replace("_", " ")
        phrases = (f"The {said} is {{}}.", f"{said.capitalize()}: {{}}.", f"Its {said} is {{}}.", f"{said} {{}},",
                   f"{said} = {{}};",
                   f"It has a {said} of {{}}.")
        roll = draw.rng.random()
        if roll < 0.35:
            fields.append(count(label, 9000, *phrases))
        elif roll < 0.5:
            fields.append(measure(label, draw.choice(("kg", "cm", "m", "%", "km", "hours")), 900, *phrases))
        else:
            make = draw.choice((Draw.word, Draw.proper, Draw.person, Draw.code, Draw.city, Draw.product))
            fields.append(text(label, make, *phrases))
    name = draw.choice(("record", "facts", "entry", "sheet", "data", "card", "note", draw.proper(2).lower()))
    return Kind((name,), tuple(fields), (("specs", (0, 1)), ("data", (1, 2))))


KINDS: dict[str, Kind] = {"contact": CONTACT, "order": ORDER, "event": EVENT, "ticket": TICKET, "review": REVIEW,
                          "shipment": SHIPMENT, "invoice": INVOICE, "job": JOB}
