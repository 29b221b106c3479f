package demo

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"math/rand/v2"
	"strings"
	"time"
)

// seed makes the same data each time.
const seed = 20261123

// How many rows the tables have.
const (
	customerCount = 500
	orderCount    = 500
	paymentCount  = 500
	employeeCount = 120
	tokenCount    = 60
)

// generator makes synthetic values: see the package's doc.
type generator struct{ *rand.Rand }

func pick[T any](g generator, of ...T) T { return of[g.IntN(len(of))] }

var firstNames = strings.Fields(`Amelia Bruno Carla Diego Elif Farid Greta Hanna Imran Ingrid Julia Katya Kofi Leila Marek
	Mona Nadia Noor Olga Pablo Priya Quentin Ravi Rosa Selma Tariq Tomas Uma Ursula Vera Viktor Wanda Wei Xavier Yusuf Zeno`)

var lastNames = strings.Fields(`Abbott Almeida Bauer Brandt Castellano Correia Duarte Dvorak Engel Eriksen Ferrari Fontaine Gupta
	Haddad Iqbal Ivanov Jensen Jovanovic Klein Kowalski Larsen Lindqvist Mbeki Moreau Novak Okafor Petrov Quispe
	Schneider Tanaka Ueda Yilmaz Zimmerman`)

// countries that the telephone numbers and accounts know.
var countries = []string{"US", "US", "GB", "DE", "NL", "FR", "AU"}

// person is what the tables and the log tell of a customer.
type person struct {
	id                                      int
	first, last, name, country              string
	email, phone, ssn, card, notes, profile string
}

func (g generator) customer(id int) person {
	p := person{id: id, first: pick(g, firstNames...), last: pick(g, lastNames...), country: pick(g, countries...)}
	p.name = p.first + " " + p.last
	p.email = fmt.Sprintf("%s.%s%d@%s", strings.ToLower(p.first), strings.ToLower(p.last), id, g.domain())
	p.phone, p.ssn, p.card = g.phone(p.country), g.ssn(), g.card()
	other := fmt.Sprintf("%s%d@example.org", strings.ToLower(pick(g, firstNames...)), 100+g.IntN(900))
	p.notes = pick(g,
		fmt.Sprintf("Prefers e-mail at %s, call %s only after 18:00.", other, p.phone),
		fmt.Sprintf("Verified identity with SSN ending %s. Alternative address %s.", p.ssn[7:], other),
		fmt.Sprintf("VIP. Assistant: %s %s, %s.", pick(g, firstNames...), pick(g, lastNames...), other),
		fmt.Sprintf("Asked us to update the card. Backup contact %s.", other))
	p.profile = g.profile(other, p.country)
	return p
}

func (g generator) profile(email, country string) string {
	b, err := json.Marshal(map[string]any{
		"dob":     fmt.Sprintf("%d-%02d-%02d", 1950+g.IntN(55), 1+g.IntN(12), 1+g.IntN(28)),
		"address": map[string]string{"street": fmt.Sprintf("%d %s Street", 1+g.IntN(999), pick(g, lastNames...)), "zip": g.digits(5)},
		"contact": map[string]string{"email": email, "phone": g.phone(country)},
		"prefs":   map[string]string{"lang": pick(g, "en", "de", "fr"), "theme": pick(g, "dark", "light")},
	})
	if err != nil {
		panic("a map of strings does not encode: " + err.Error())
	}
	return string(b)
}

// domain is one of RFC 2606's.
func (g generator) domain() string {
	return pick(g, "example.com", "mail.example.com", "example.org", "example.net")
}

func (g generator) digits(n int) string { return g.text("0123456789", n) }

func (g generator) text(of string, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = of[g.IntN(len(of))]
	}
	return string(b)
}

// phone is a number that its country keeps for fiction.
func (g generator) phone(country string) string {
	switch country {
	case "US":
		return fmt.Sprintf("+1 %s-555-01%s", pick(g, "212", "305", "415", "512", "617", "917"), g.digits(2))
	case "GB":
		return "+44 20 7946 0" + g.digits(3)
	case "DE":
		return "+49 30 23125 " + g.digits(3)
	case "NL":
		return "+31 20 555 " + g.digits(4)
	case "FR":
		return fmt.Sprintf("+33 1 99 00 %s %s", g.digits(2), g.digits(2))
	}
	return "+61 2 5550 " + g.digits(4)
}

// ssn is of an area that was never assigned.
func (g generator) ssn() string {
	return fmt.Sprintf("%d-%02d-%04d", 734+g.IntN(16), 1+g.IntN(99), 1+g.IntN(9999))
}

// card is a number of a test range whose check digit is right (Luhn).
func (g generator) card() string {
	n := pick(g, "4000", "4000", "5555", "3782")
	length := 16
	if n[0] == '3' {
		length = 15
	}
	n += g.digits(length - len(n) - 1)
	sum := 0
	for i := range len(n) {
		d := int(n[len(n)-1-i] - '0')
		if i%2 == 0 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return n + string(rune('0'+(10-sum%10)%10))
}

// iban is of an invented account, with the right checksum (ISO 13616).
func (g generator) iban() string {
	var country, account string
	switch g.IntN(4) {
	case 0:
		country, account = "GB", "WEST"+g.digits(14)
	case 1:
		country, account = "NL", "TEST"+g.digits(10)
	case 2:
		country, account = "DE", g.digits(18)
	default:
		country, account = "FR", g.digits(23)
	}
	return fmt.Sprintf("%s%02d%s", country, 98-ibanRest(account+country+"00"), account)
}

// ibanRest is the number that the letters and digits make, modulo 97.
func ibanRest(s string) int64 {
	var digits strings.Builder
	for _, r := range s {
		if r >= 'A' {
			fmt.Fprint(&digits, r-'A'+10)
		} else {
			digits.WriteRune(r)
		}
	}
	n, _ := new(big.Int).SetString(digits.String(), 10)
	return new(big.Int).Mod(n, big.NewInt(97)).Int64()
}

// ip is one that documents use (RFC 5737).
func (g generator) ip() string {
	return fmt.Sprintf("%s.%d", pick(g, "192.0.2", "198.51.100", "203.0.113"), 1+g.IntN(254))
}

// amount never ends in 0, so that it reads the same as a number of either kind.
func (g generator) amount() string {
	return fmt.Sprintf("%d.%d%d", 5+g.IntN(2500), g.IntN(10), 1+g.IntN(9))
}

func (g generator) instant() time.Time {
	return time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(g.IntN(1_300_000)) * time.Minute)
}

func (g generator) hex(n int) string { return g.text("0123456789abcdef", n) }

func (g generator) uuid() string {
	h := g.hex(32)
	return h[:8] + "-" + h[8:12] + "-4" + h[13:16] + "-a" + h[17:20] + "-" + h[20:]
}

const alphanumeric = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

var tokenKinds = []string{"aws", "github", "jwt", "pem", "slack", "stripe"}

// token has the shape of a kind's tokens and opens nothing.
func (g generator) token(kind string, id int) string {
	switch kind {
	case "aws":
		return "AKIA" + g.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16)
	case "github":
		return "ghp_" + g.text(alphanumeric, 36)
	case "jwt":
		part := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
		sum := sha256.Sum256([]byte(g.hex(32)))
		return part(`{"alg":"HS256","typ":"JWT"}`) + "." + part(fmt.Sprintf(`{"sub":"svc-%d"}`, id)) + "." + base64.RawURLEncoding.EncodeToString(sum[:])
	case "pem":
		body, _ := hex.DecodeString(g.hex(480))
		text := base64.StdEncoding.EncodeToString(body)
		var lines []string
		for len(text) > 64 {
			lines, text = append(lines, text[:64]), text[64:]
		}
		const name = "RSA PRIVATE KEY-----"
		return "-----BEGIN " + name + "\n" + strings.Join(append(lines, text), "\n") + "\n-----END " + name
	case "slack":
		return "xoxb-" + g.digits(12) + "-" + g.digits(12) + "-" + g.text(alphanumeric, 24)
	}
	return "sk_test_" + g.text(alphanumeric, 24)
}
