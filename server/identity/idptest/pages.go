package idptest

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
	formTag   = regexp.MustCompile(`(?is)<form\b([^>]*)>(.*?)</form>`)
	inputTag  = regexp.MustCompile(`(?is)<input\b([^>]*)>`)
	attribute = regexp.MustCompile(`(?is)([a-z-]+)\s*=\s*"([^"]*)"`)
	headings  = regexp.MustCompile(`(?is)<h1[^>]*>(.*?)</h1>`)
)

// maxPages is more than any sign-in takes: code, confirmation, login, consent.
const maxPages = 8

// Approve goes through the provider's pages with a browser's cookies, from the
// verification page to its last word, signing in as user.
func Approve(ctx context.Context, verificationURL, code, user string) error {
	return browse(ctx, verificationURL, code, func(f url.Values) bool {
		if f.Has("login") {
			f.Set("login", user)
			f.Set("password", "any")
		}
		return false
	})
}

// Deny goes as far as the confirmation of the code and aborts there.
func Deny(ctx context.Context, verificationURL, code string) error {
	return browse(ctx, verificationURL, code, func(f url.Values) bool {
		if f.Get("confirm") != "yes" {
			return false
		}
		f.Set("abort", "yes")
		return true
	})
}

// browse sends form after form, until a page has none or fill says that the one
// it filled is the last, and wants every page to be an answer, not an error.
func browse(ctx context.Context, at, code string, fill func(url.Values) (last bool)) error {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return err
	}
	c := &http.Client{Jar: jar}
	here, page, err := visit(ctx, c, http.MethodGet, at, nil)
	for range maxPages {
		if err != nil {
			return err
		}
		form := formTag.FindStringSubmatch(page)
		if form == nil {
			return nil
		}
		fields := url.Values{}
		for _, in := range inputTag.FindAllStringSubmatch(form[2], -1) {
			if a := attributes(in[1]); a["name"] != "" {
				fields.Set(a["name"], a["value"])
			}
		}
		if fields.Has("user_code") {
			fields.Set("user_code", code)
		}
		last := fill(fields)
		next, perr := here.Parse(attributes(form[1])["action"])
		if perr != nil {
			return perr
		}
		here, page, err = visit(ctx, c, http.MethodPost, next.String(), fields)
		if last {
			return err
		}
	}
	return errors.New("the second provider has no last page")
}

func visit(ctx context.Context, c *http.Client, method, to string, fields url.Values) (*url.URL, string, error) {
	r, err := http.NewRequestWithContext(ctx, method, to, strings.NewReader(fields.Encode()))
	if err != nil {
		return nil, "", err
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := c.Do(r)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return nil, "", err
	}
	if resp.StatusCode != http.StatusOK {
		said := ""
		if h := headings.FindSubmatch(b); h != nil {
			said = string(h[1])
		}
		return nil, "", fmt.Errorf("%s: %s %s", resp.Request.URL.Path, resp.Status, said)
	}
	return resp.Request.URL, string(b), nil
}

func attributes(tag string) map[string]string {
	out := map[string]string{}
	for _, m := range attribute.FindAllStringSubmatch(tag, -1) {
		out[strings.ToLower(m[1])] = html.UnescapeString(m[2])
	}
	return out
}
