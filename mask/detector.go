package mask

import (
	"fmt"
	"math/bits"
	"slices"
)

// Detector finds one kind of sensitive text by its looks alone.
type Detector struct {
	Name string // the word in the configuration
	Doc  string // what it finds, for people
	Kind string // its type in files of labelled lines; empty if they have none
	// ByChoice is set for what is sensitive in some places only: a plan has it if
	// it is asked for by name, and nobody should by default.
	ByChoice bool

	set detectorSet
}

// detectorSet is a set of detectors, a bit for each; the deployment's own have
// those from customShift on.
type detectorSet uint64

// In the order of the list below.
const (
	detectCard detectorSet = 1 << iota
	detectEmail
	detectSSN
	detectPhone
	detectIBAN
	detectIPv4
	detectIPv6
	detectAWSKey
	detectAWSSecret
	detectGitHub
	detectJWT
	detectPEM
	detectSlack
	detectStripe
	detectGCP
	detectURL
	detectSecret

	customShift = 32
)

// MaxCustom is how many detectors of the deployment's own a plan can have.
const MaxCustom = 32

// detectors are all there are. What stands in for a hit begins and ends with a
// bracket, which no detector takes for a part of anything: masked text stays as
// it is when it is masked again.
var detectors = []Detector{
	{Name: "card", Kind: "credit_card", set: detectCard,
		Doc: "payment card numbers: 13 to 19 digits, whole or in groups, with an issuer's prefix and a right check digit"},
	{Name: "email", Kind: "email", set: detectEmail,
		Doc: "e-mail addresses, also percent-encoded ones; not user and password of a URL"},
	{Name: "ssn", Kind: "ssn", set: detectSSN,
		Doc: "US social security numbers in number ranges that can be assigned: 123-45-6789; with spaces, dots or nothing between only after a word such as SSN"},
	{Name: "phone", Kind: "phone", set: detectPhone,
		Doc: "telephone numbers: international ones of a length that is in use in their country, national ones in the forms of North America and of countries that dial 0; others after a word such as phone"},
	{Name: "iban", Kind: "iban", set: detectIBAN,
		Doc: "international bank account numbers of their country's length with right check digits, whole or in groups of four"},
	{Name: "ipv4", Kind: "ipv4", set: detectIPv4, ByChoice: true,
		Doc: "IPv4 addresses; not parts of longer dotted numbers, nor versions that are called so"},
	{Name: "ipv6", set: detectIPv6, ByChoice: true,
		Doc: "IPv6 addresses"},
	{Name: "aws_key_id", Kind: "aws_key_id", set: detectAWSKey,
		Doc: "AWS access key IDs: AKIA or ASIA and 16 characters of base32"},
	{Name: "aws_secret_key", Kind: "aws_secret_key", set: detectAWSSecret,
		Doc: "AWS secret keys: 40 characters of base64 after their name, or after a key ID"},
	{Name: "github_token", Kind: "github_token", set: detectGitHub,
		Doc: "GitHub tokens: ghp_, gho_, ghu_, ghs_, ghr_ and github_pat_"},
	{Name: "jwt", Kind: "jwt", set: detectJWT,
		Doc: "JSON web tokens, signed or encrypted, the header of which names an algorithm"},
	{Name: "pem_private_key", Kind: "pem_private_key", set: detectPEM,
		Doc: "private keys in PEM, OpenSSH and OpenPGP armour, whole, also on one line or with \\n for line ends"},
	{Name: "slack_token", Kind: "slack_token", set: detectSlack,
		Doc: "Slack tokens: xoxb-, xoxp-, xapp- and kin"},
	{Name: "stripe_key", Kind: "stripe_key", set: detectStripe,
		Doc: "Stripe secret and restricted keys and webhook secrets, of test mode too; not publishable keys"},
	{Name: "gcp_key", set: detectGCP,
		Doc: "Google API keys (AIza), OAuth client secrets (GOCSPX-) and access tokens (ya29.)"},
	{Name: "url_password", Kind: "url_password", set: detectURL,
		Doc: "the password of scheme://user:password@host"},
	{Name: "secret", set: detectSecret,
		Doc: "what follows a name such as password, api_key or Authorization, if it looks like a secret; mysql -p and curl -u"},
}

// Detectors lists the content detectors that a plan can name. The slice is the
// caller's.
func Detectors() []Detector { return slices.Clone(detectors) }

func detectorNamed(name string) (detectorSet, error) {
	names := make([]string, len(detectors))
	for i, d := range detectors {
		if d.Name == name {
			return d.set, nil
		}
		names[i] = d.Name
	}
	return 0, fmt.Errorf("unknown content detector %q%s", name, suggest(name, names))
}

// nameOf is the name of one detector of a set.
func nameOf(by detectorSet, custom []*Custom) string {
	if i := bits.TrailingZeros64(uint64(by)); i < len(detectors) {
		return detectors[i].Name
	}
	for k, c := range custom {
		if by == 1<<(customShift+k) {
			return c.Name
		}
	}
	return ""
}

// verdict is what a detector says of a place in a text that may go on.
type verdict uint8

const (
	no   verdict = iota
	yes          // a hit
	more         // it depends on text that has not come yet
)

// span is a hit: positions in a text, end exclusive.
type span struct {
	start, end int
	at         int // where it was decided: scan came by here
	by         detectorSet
}
