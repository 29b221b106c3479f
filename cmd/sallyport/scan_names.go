package main

import (
	"slices"
	"strings"
	"unicode"
)

// What a column's name says of its values. The table is data: words as they
// stand one behind the other in a name, and what they mean.

// holds is which types of columns a kind of value can stand in.
type holds uint8

const (
	inText   holds = iota // text alone: an e-mail is no number
	inNumber              // text or numbers
	inDate                // text or dates
)

// nameRule is one line of the table.
type nameRule struct {
	words string // in a row, in lower case
	kind  string
	sure  bool // the name alone is enough; otherwise it is a hint
	in    holds
}

var nameRules = []nameRule{
	{"email", "email", true, inText}, {"e mail", "email", true, inText}, {"emails", "email", true, inText},
	{"email address", "email", true, inText}, {"e mail address", "email", true, inText}, {"mail", "email", false, inText},

	{"phone", "phone", true, inNumber}, {"phones", "phone", true, inNumber}, {"telephone", "phone", true, inNumber}, {"mobile", "phone", true, inNumber},
	{"msisdn", "phone", true, inNumber}, {"cell", "phone", false, inNumber}, {"tel", "phone", true, inNumber}, {"fax", "phone", true, inNumber},

	{"ssn", "ssn", true, inNumber}, {"social security", "ssn", true, inNumber}, {"national id", "national-id", true, inNumber},
	{"national insurance", "national-id", true, inNumber}, {"nino", "national-id", true, inNumber}, {"cpf", "national-id", true, inNumber},
	{"tax id", "national-id", true, inNumber}, {"tin", "national-id", false, inNumber}, {"vat id", "national-id", false, inNumber},
	{"passport", "national-id", true, inNumber}, {"driving licence", "national-id", true, inNumber}, {"driver license", "national-id", true, inNumber},
	{"drivers license", "national-id", true, inNumber}, {"licence number", "national-id", false, inNumber}, {"license number", "national-id", false, inNumber},

	{"card number", "card", true, inNumber}, {"card no", "card", true, inNumber}, {"card num", "card", true, inNumber}, {"credit card", "card", true, inNumber},
	{"debit card", "card", true, inNumber}, {"cc number", "card", true, inNumber}, {"pan", "card", false, inNumber}, {"cvv", "card", true, inNumber},
	{"cvc", "card", true, inNumber}, {"card", "card", false, inNumber},

	{"iban", "bank-account", true, inText}, {"account number", "bank-account", true, inNumber}, {"account no", "bank-account", true, inNumber},
	{"bank account", "bank-account", true, inNumber}, {"sort code", "bank-account", false, inNumber}, {"routing number", "bank-account", false, inNumber},
	{"bic", "bank-account", false, inText}, {"swift", "bank-account", false, inText},

	{"dob", "birth", true, inDate}, {"birthday", "birth", true, inDate}, {"birthdate", "birth", true, inDate}, {"birth", "birth", true, inDate},
	{"born", "birth", true, inDate},

	{"salary", "pay", true, inNumber}, {"wage", "pay", true, inNumber}, {"wages", "pay", true, inNumber}, {"income", "pay", true, inNumber},
	{"compensation", "pay", true, inNumber}, {"payroll", "pay", true, inNumber}, {"bonus", "pay", false, inNumber}, {"net worth", "pay", true, inNumber},

	{"password", "credential", true, inText}, {"passwd", "credential", true, inText}, {"pwd", "credential", true, inText},
	{"passphrase", "credential", true, inText}, {"passcode", "credential", true, inNumber}, {"pin", "credential", false, inNumber},
	{"secret", "credential", true, inText}, {"secrets", "credential", true, inText}, {"token", "credential", true, inText},
	{"tokens", "credential", true, inText}, {"api key", "credential", true, inText}, {"access key", "credential", true, inText},
	{"private key", "credential", true, inText}, {"secret key", "credential", true, inText}, {"signing key", "credential", true, inText},
	{"encryption key", "credential", true, inText}, {"credential", "credential", true, inText}, {"credentials", "credential", true, inText},
	{"otp", "credential", true, inNumber}, {"mfa", "credential", false, inText}, {"totp", "credential", true, inText},
	{"security answer", "credential", true, inText}, {"cookie", "credential", true, inText}, {"session key", "credential", true, inText},

	{"address", "address", true, inText}, {"addr", "address", false, inText}, {"street", "address", true, inText}, {"postcode", "address", false, inNumber},
	{"postal code", "address", false, inNumber}, {"zip", "address", false, inNumber}, {"zipcode", "address", false, inNumber},
	{"zip code", "address", false, inNumber}, {"latitude", "location", false, inNumber}, {"longitude", "location", false, inNumber},

	{"full name", "person", true, inText}, {"first name", "person", true, inText}, {"last name", "person", true, inText},
	{"family name", "person", true, inText}, {"given name", "person", true, inText}, {"middle name", "person", true, inText},
	{"maiden name", "person", true, inText}, {"surname", "person", true, inText}, {"forename", "person", true, inText},
	{"display name", "person", false, inText}, {"legal name", "person", true, inText}, {"customer name", "person", true, inText},
	{"employee name", "person", true, inText}, {"patient name", "person", true, inText}, {"contact name", "person", true, inText},
	{"holder name", "person", true, inText}, {"cardholder", "person", true, inText}, {"account holder", "person", true, inText},

	{"diagnosis", "health", true, inText}, {"medication", "health", true, inText}, {"allergies", "health", true, inText},
	{"blood type", "health", true, inText}, {"disability", "health", true, inText}, {"gender", "personal", false, inText},
	{"ethnicity", "personal", true, inText}, {"race", "personal", false, inText}, {"religion", "personal", true, inText},
	{"nationality", "personal", false, inText}, {"marital status", "personal", false, inText},
}

// joined are words that names run together.
var joined = map[string]string{
	"emailaddress": "email address", "phonenumber": "phone number", "mobilenumber": "mobile number", "fullname": "full name",
	"firstname": "first name", "lastname": "last name", "familyname": "family name", "givenname": "given name", "middlename": "middle name",
	"creditcard": "credit card", "cardnumber": "card number", "cardno": "card no", "dateofbirth": "date of birth", "apikey": "api key",
	"accesstoken": "access token", "refreshtoken": "refresh token", "accesskey": "access key", "privatekey": "private key",
	"secretkey": "secret key", "taxid": "tax id", "accountnumber": "account number", "streetaddress": "street address",
	"socialsecuritynumber": "social security number", "nationalid": "national id", "passportnumber": "passport number",
	"ipaddress": "ip address", "macaddress": "mac address",
}

// about are words at the end of a name that speak about a value, not of it.
var about = map[string]bool{
	"id": true, "ids": true, "count": true, "type": true, "kind": true, "status": true, "state": true, "at": true, "on": true, "enabled": true,
	"verified": true, "confirmed": true, "sent": true, "brand": true, "format": true, "expires": true, "expiry": true, "ttl": true, "length": true,
	"version": true, "template": true, "subject": true, "attempts": true, "created": true, "updated": true, "changed": true, "currency": true,
	"code": true, "provider": true, "domain": true, "index": true, "flag": true, "limit": true, "usage": true,
}

// people are words in a table's name after which a plain "name" is a person's.
var people = map[string]bool{
	"user": true, "users": true, "customer": true, "customers": true, "person": true, "persons": true, "people": true, "employee": true,
	"employees": true, "patient": true, "patients": true, "contact": true, "contacts": true, "member": true, "members": true, "client": true,
	"clients": true, "student": true, "students": true, "staff": true, "author": true, "authors": true, "guest": true, "guests": true,
}

// named is what the names of a column and its table say; ok is false where they
// say nothing.
func named(table, column, typ string) (kind string, sure, ok bool) {
	words := split(column)
	if len(words) == 0 || strings.HasPrefix(typ, "bool") {
		return "", false, false
	}
	if last := words[len(words)-1]; about[last] && !slices.Contains([]string{"national id", "tax id", "vat id", "sort code", "postal code", "zip code", "born on"}, strings.Join(words[max(0, len(words)-2):], " ")) {
		return "", false, false
	}
	text := " " + strings.Join(words, " ") + " "
	for _, elsewhere := range []string{" ip ", " mac ", " memory ", " contract ", " wallet "} {
		if strings.Contains(text, elsewhere+"address ") || strings.Contains(text, elsewhere+"addr ") {
			return "", false, false
		}
	}
	best := nameRule{}
	for _, r := range nameRules {
		if strings.Contains(text, " "+r.words+" ") && r.in.takes(typ) && (best.words == "" || r.sure && !best.sure || r.sure == best.sure && len(r.words) > len(best.words)) {
			best = r
		}
	}
	if best.words != "" {
		return best.kind, best.sure, true
	}
	if text == " name " && inText.takes(typ) && slices.ContainsFunc(split(table), func(w string) bool { return people[w] }) {
		return "person", true, true
	}
	return "", false, false
}

// takes reports whether values of a kind can stand in a column of that type, by
// the target's own name for it. What is not known can hold anything.
func (h holds) takes(typ string) bool {
	typ = strings.ToLower(typ)
	switch {
	case strings.HasPrefix(typ, "timestamp"), typ == "date", strings.HasPrefix(typ, "time"), strings.HasPrefix(typ, "datetime"):
		return h == inDate
	case strings.HasPrefix(typ, "int"), strings.HasPrefix(typ, "bigint"), strings.HasPrefix(typ, "smallint"), strings.HasPrefix(typ, "numeric"),
		strings.HasPrefix(typ, "decimal"), strings.HasPrefix(typ, "double"), strings.HasPrefix(typ, "real"), strings.HasPrefix(typ, "float"), typ == "money":
		return h == inNumber
	case typ == "uuid", typ == "inet", typ == "cidr", typ == "macaddr", typ == "interval":
		return false
	}
	return true
}

// split finds the words of a name: at underscores and other signs, where case
// changes, and within words that are run together.
func split(name string) []string {
	var words []string
	var word []rune
	end := func() {
		if len(word) > 0 {
			w := strings.ToLower(string(word))
			if apart, ok := joined[w]; ok {
				words = append(words, strings.Fields(apart)...)
			} else {
				words = append(words, w)
			}
			word = word[:0]
		}
	}
	runes := []rune(name)
	for i, r := range runes {
		if !unicode.IsLetter(r) {
			end()
			continue
		}
		lower := i+1 < len(runes) && unicode.IsLower(runes[i+1])
		if unicode.IsUpper(r) && i > 0 && (unicode.IsLower(runes[i-1]) || unicode.IsUpper(runes[i-1]) && lower) {
			end()
		}
		word = append(word, r)
	}
	end()
	return words
}
