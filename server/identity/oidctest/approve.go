package oidctest

import (
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
)

var (
	formTag    = regexp.MustCompile(`(?is)<form\b([^>]*)>(.*?)</form>`)
	inputTag   = regexp.MustCompile(`(?is)<input\b([^>]*)>`)
	attribute  = regexp.MustCompile(`(?is)([a-z-]+)\s*=\s*"([^"]*)"`)
	statusText = regexp.MustCompile(`(?is)<p role="status"[^>]*>(.*?)</p>`)
)

// readForm finds the first form of an HTML page: where it is sent, and the
// fields that are filled in already (not radio buttons, boxes or buttons). It
// reads the plain HTML of login pages in tests, attributes in double quotes.
func readForm(page string) (action string, fields url.Values, ok bool) {
	m := formTag.FindStringSubmatch(page)
	if m == nil {
		return "", nil, false
	}
	fields = url.Values{}
	for _, in := range inputTag.FindAllStringSubmatch(m[2], -1) {
		a := attributes(in[1])
		switch a["type"] {
		case "radio", "checkbox", "submit", "button", "image", "reset":
			continue
		}
		if a["name"] != "" {
			fields.Set(a["name"], a["value"])
		}
	}
	return attributes(m[1])["action"], fields, true
}

func attributes(tag string) map[string]string {
	out := map[string]string{}
	for _, m := range attribute.FindAllStringSubmatch(tag, -1) {
		out[strings.ToLower(m[1])] = html.UnescapeString(m[2])
	}
	return out
}

// Approve does what a person with a browser does: it opens the verification page
// and approves the code as the user. A nil client is a default one; a client
// without a cookie jar is given one for the call.
func Approve(ctx context.Context, c *http.Client, verificationURL, code, user string) error {
	return answer(ctx, c, verificationURL, url.Values{"user_code": {code}, "user": {user}})
}

// Deny opens the verification page and denies the code.
func Deny(ctx context.Context, c *http.Client, verificationURL, code string) error {
	return answer(ctx, c, verificationURL, url.Values{"user_code": {code}, "action": {"deny"}})
}

func answer(ctx context.Context, c *http.Client, verificationURL string, with url.Values) error {
	withJar := http.Client{}
	if c != nil {
		withJar = *c
	}
	if withJar.Jar == nil {
		withJar.Jar, _ = cookiejar.New(nil) // fails for no options only
	}
	page, err := fetch(ctx, &withJar, http.MethodGet, verificationURL, nil)
	if err != nil {
		return fmt.Errorf("open the sign-in page: %w", err)
	}
	_, fields, ok := readForm(page)
	if !ok {
		return errors.New("open the sign-in page: there is no form on it")
	}
	for k, v := range with {
		fields[k] = v
	}
	if _, err := fetch(ctx, &withJar, http.MethodPost, verificationURL, fields); err != nil {
		return fmt.Errorf("answer the sign-in: %w", err)
	}
	return nil
}

func fetch(ctx context.Context, c *http.Client, method, to string, fields url.Values) (string, error) {
	req, err := http.NewRequestWithContext(ctx, method, to, strings.NewReader(fields.Encode()))
	if err != nil {
		return "", err
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := c.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return "", err
	}
	if resp.StatusCode != http.StatusOK {
		said := ""
		if m := statusText.FindSubmatch(b); m != nil {
			said = ": " + html.UnescapeString(string(m[1]))
		}
		return "", fmt.Errorf("%s%s", resp.Status, said)
	}
	return string(b), nil
}

// CurlApprove is a line for a POSIX shell with curl that approves a sign-in and
// prints what the page says. An empty code or user is left to be filled in at
// the line's start.
func CurlApprove(verificationURL, code, user string) string {
	if code == "" {
		code = "XXXX-XXXX"
	}
	if user == "" {
		user = "alice"
	}
	u := quote(verificationURL)
	return "code=" + quote(code) + " user=" + quote(user) + `; jar=$(mktemp); ` +
		`csrf=$(curl -sS -c "$jar" ` + u + ` | sed -n 's/.*name="csrf" value="\([^"]*\)".*/\1/p'); ` +
		`curl -sS -b "$jar" --data-urlencode "csrf=$csrf" --data-urlencode "user_code=$code" --data-urlencode "user=$user" ` + u +
		` | sed -n 's/.*role="status"[^>]*>\([^<]*\)<.*/\1/p'; rm -f "$jar"`
}

// quote makes one word of a shell.
func quote(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:@") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
