package identity

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/sallyport/sallyport/policy"
)

// identity is who verified claims speak of, and why there are no groups if there
// are none.
func (p *Provider) identity(c claims) (policy.Identity, string) {
	groups, note := groupsOf(c, p.config.GroupsClaim)
	id := policy.Identity{
		Issuer: c["iss"].(string), Subject: c["sub"].(string), // checked by verify
		Email: email(c), Name: shown(c["name"]),
		Groups: groups, Claims: p.kept(c), SignedIn: p.config.Now().UTC(), Method: "device",
	}
	if id.Name == "" {
		id.Name = shown(c["preferred_username"])
	}
	// auth_time is when the person last proved themselves; a provider that still
	// knows them from last week says so here.
	if at, ok := instant(c["auth_time"]); ok && at.Before(id.SignedIn) {
		id.SignedIn = at
	}
	return id, note
}

// kept are the claims that the configuration asks for and that this token has in
// a form that policy can compare: text, a number, a truth value, or a list of
// texts. Any other is left out whole and told in the log, so that a rule about it
// finds nothing.
func (p *Provider) kept(c claims) map[string][]string {
	out := map[string][]string{}
	for _, name := range p.config.Claims {
		v, has := c[name]
		if !has {
			continue
		}
		values, ok := claimValues(v)
		if !ok {
			p.config.Log.Warn("claim of an ID token not taken: no text, number, truth value or list of texts",
				"claim", name, "is", kindOf(v))
			continue
		}
		out[name] = values
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// Bounds of a claim: how many values, and how long one is.
const (
	maxClaimValues = 1000
	maxClaimBytes  = 1024
)

func claimValues(v any) ([]string, bool) {
	var values []string
	switch v := v.(type) {
	case string:
		values = []string{v}
	case bool:
		values = []string{strconv.FormatBool(v)}
	case float64:
		if math.Abs(v) > 1<<53 {
			return nil, false // it has lost digits on the way
		}
		values = []string{strconv.FormatFloat(v, 'f', -1, 64)}
	default:
		var ok bool
		if values, ok = stringList(v); !ok {
			return nil, false
		}
	}
	if len(values) > maxClaimValues {
		return nil, false
	}
	for _, s := range values {
		if len(s) > maxClaimBytes || !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
			return nil, false
		}
	}
	return values, true
}

// email leaves out an address the provider itself calls unverified: approvers
// see it as the person's name, and it could be anybody's.
func email(c claims) string {
	switch v := c["email_verified"].(type) {
	case nil:
	case bool:
		if !v {
			return ""
		}
	case string: // some providers send the word
		if v != "true" {
			return ""
		}
	default:
		return ""
	}
	return shown(c["email"])
}

// shown is a claim fit to show, or nothing.
func shown(v any) string {
	s, _ := v.(string)
	if len(s) > 254 || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return ""
	}
	return s
}

// groupsOf reads the groups claim whole or not at all: part of a list could miss
// the very group a rule refuses.
func groupsOf(c claims, name string) (groups []string, note string) {
	v, has := c[name]
	switch {
	case elsewhere(c, name):
		return nil, fmt.Sprintf("the provider sent a pointer in place of claim %q, as some do for people in many groups:"+
			" have it send only the groups assigned to this application", name)
	case !has:
		return nil, fmt.Sprintf("the ID token has no claim %q: have the provider send it to this client (some do for a scope, sign_in.scopes: [profile, email, groups]), or set groups_claim", name)
	}
	groups, ok := stringList(v)
	switch {
	case !ok:
		return nil, fmt.Sprintf("claim %q of the ID token is %s, not a list of strings: no group was taken from it", name, kindOf(v))
	case len(groups) == 0:
		return nil, fmt.Sprintf("claim %q of the ID token is an empty list: the provider knows no group of yours", name)
	}
	for _, g := range groups {
		if g == "" || len(g) > 256 || strings.ContainsFunc(g, unicode.IsControl) {
			return nil, fmt.Sprintf("claim %q of the ID token holds a group that is empty, too long or not printable: none was taken", name)
		}
	}
	return groups, ""
}

// elsewhere reports whether the claim is aggregated or distributed (OpenID
// Connect Core 5.6.2), or replaced by a hint that there are too many.
func elsewhere(c claims, name string) bool {
	if names, ok := c["_claim_names"].(map[string]any); ok {
		if _, ok := names[name]; ok {
			return true
		}
	}
	has, _ := c["has"+name].(bool)
	return has
}

func stringList(v any) ([]string, bool) {
	list, ok := v.([]any)
	if !ok {
		return nil, false
	}
	out := make([]string, len(list))
	for i, e := range list {
		if out[i], ok = e.(string); !ok {
			return nil, false
		}
	}
	return out, true
}

func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case string:
		return "a string"
	case bool:
		return "a boolean"
	case float64:
		return "a number"
	case []any:
		return "a list with something else in it"
	}
	return "an object"
}
