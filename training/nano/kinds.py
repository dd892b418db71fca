"""The kinds of things that the training texts are about: lists of fields, and sentences that tell several at once."""

from __future__ import annotations

from dataclasses import dataclass

from fields import Field, choice, count, date, flag, measure, money, records, scale, text, words
from words import LISTS, Draw


@dataclass(frozen=True)
class Kind:
    """A kind of record.

    Attributes:
        names: what it is called.
        fields: the first is its subject.
        groups: what a nested object of some of the fields may be called.
        joined: sentences that tell several fields, by their places: ``{0} lives in {6}.``
    """

    names: tuple[str, ...]
    fields: tuple[Field, ...]
    groups: tuple[tuple[str, tuple[int, ...]], ...] = ()
    joined: tuple[str, ...] = ()


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
), (("address", (5, 6, 7)), ("location", (5, 6, 7)), ("job", (3, 4)), ("details", (1, 2))), (
    "{0} can be reached at {1} or {2}.",
    "{0}, {1}, {2}",
    "{0} <{1}>",
    "Call {0} on {2}.",
    "{0} ({1}, {2})",
    "{0} of {3}, {1}",
    "{0} lives in {6} and can be reached at {1}.",
    "Reach {0} at {2} or {1}.",
    "{0} works at {3}.",
    "{0}, {6}, is the {4} at {3}.",
))

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
), (("payment_info", (4, 5, 6)), ("buyer_info", (0, 8))), (
    "{0} ordered {1}.",
    "{0} would like {1}.",
    "Hi, {0} here, please send {1}.",
    "Order {2} by {0}: {1}.",
    "On {3} {0} ordered {1} for {4}.",
))

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
), (("venue_info", (4, 5)), ("time_slot", (2, 3)), ("schedule", (1, 2, 3))), (
    "{0} takes place on {1} at {4}.",
    "{0}, {1}, from {2} to {3}.",
    "Join {6} for {0} on {1}.",
    "{0} is on {1} at {2} in {5}.",
    "{6} invites you to {0} at {4} in {5}.",
))

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
), (("contact_info", (3, 4)), ("environment", (7, 8))), (
    "{3} says that {0}.",
    "On my {8}, {0}.",
    "{3} ({4}) wrote that {0}.",
    "Since {6} {0}, and {10} users are affected.",
))

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
), (("purchase", (6, 10)), ("verdict", (1, 2))), (
    "{5} gives the {0} {1} stars.",
    "I bought the {0} at {10} for {6}.",
    "The {0}: {1} out of 5.",
    "{5} bought the {0} from {10}.",
))

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
), (("destination", (6, 7, 8)), ("address", (6, 7, 8)), ("dates", (9, 10))), (
    "Parcel {0} for {5}.",
    "{4} sent {0} to {5} in {7}.",
    "{1} brings {0} to {5} on {10}.",
    "{0} left on {9} and arrives on {10}.",
    "{5}, {6}, {8} {7}.",
))

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
), (("payment", (4, 7)), ("dates", (6, 7))), (
    "Invoice {0} from {1}.",
    "{1} bills {2} {4}, due {7}.",
    "Invoice {0} of {6}: {4}.",
    "{2} owes {1} {4}.",
))

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
), (("offer", (3, 5)), ("employer_info", (1, 2))), (
    "{1} is looking for a {0} in {2}.",
    "{0} at {1}, {2}.",
    "{1} pays {3} a year.",
    "Ask {8} about the {0} job by {7}.",
))


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
