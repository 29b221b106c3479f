package oidctest

import (
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"
)

// browser keeps cookies and shows statuses as they are.
func browser(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar}
}

func open(t *testing.T, c *http.Client, r *http.Request) (*http.Response, string) {
	t.Helper()
	resp, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(b)
}

func request(t *testing.T, method, to string, fields url.Values) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, to, strings.NewReader(fields.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return r
}

// formOf opens the page and returns its form's fields.
func formOf(t *testing.T, p *Provider, c *http.Client) url.Values {
	t.Helper()
	_, body := open(t, c, request(t, http.MethodGet, p.URL(), nil))
	_, fields, ok := readForm(body)
	if !ok {
		t.Fatalf("no form on the page:\n%s", body)
	}
	return fields
}

func TestPage(t *testing.T) {
	p := start(t, nil)
	user, _ := begin(t, p)
	resp, body := open(t, browser(t), request(t, http.MethodGet, p.URL()+"?user_code="+user, nil))
	for _, want := range []string{`value="` + user + `"`, "<b>bastion</b> asks to sign you in", "Approve only a sign-in you started yourself",
		`value="alice"`, "engineering", "no group", `value="deny"`} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not hold %q", want)
		}
	}
	style := regexp.MustCompile(`(?s)<style>(.*?)</style>`).FindStringSubmatch(body)[1]
	sum := sha256.Sum256([]byte(style))
	csp := resp.Header.Get("Content-Security-Policy")
	if !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'") {
		t.Errorf("policy %q does not fit the style", csp)
	}
	if strings.Contains(body, "<script") || strings.Contains(body, "style=") {
		t.Error("script or style that the policy refuses")
	}
	if cookie := resp.Header.Get("Set-Cookie"); !strings.Contains(cookie, "HttpOnly") || !strings.Contains(cookie, "SameSite=Strict") {
		t.Errorf("cookie %q", cookie)
	}
	if resp.Header.Get("Cache-Control") != "no-store" || resp.Header.Get("Referrer-Policy") == "no-referrer" {
		t.Errorf("headers %v", resp.Header)
	}
	_, body = open(t, browser(t), request(t, http.MethodGet, p.URL()+"?user_code="+url.QueryEscape(`"><script>x`), nil))
	if strings.Contains(body, "<script>") {
		t.Error("the code is not escaped")
	}
}

func TestAnswers(t *testing.T) {
	p := start(t, nil)
	const evil = "http://evil.test"
	for _, c := range []struct {
		name   string
		edit   func(f url.Values, r *http.Request)
		status int
		says   string
	}{
		{"plain", nil, 200, "Approved as alice"},
		{"lower case, no dash", func(f url.Values, _ *http.Request) {
			f.Set("user_code", strings.ToLower(strings.Replace(f.Get("user_code"), "-", " ", 1)))
		}, 200, "Approved"},
		{"said to approve", func(f url.Values, _ *http.Request) { f.Set("action", "approve") }, 200, "Approved"},
		{"denied", func(f url.Values, _ *http.Request) { f.Set("action", "deny"); f.Del("user") }, 200, "Denied"},
		{"own origin", func(_ url.Values, r *http.Request) { r.Header.Set("Origin", p.Issuer()) }, 200, "Approved"},
		{"said to be from here", func(_ url.Values, r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-origin") }, 200, "Approved"},
		{"other action", func(f url.Values, _ *http.Request) { f.Set("action", "destroy") }, 400, "approve or deny"},
		{"unknown person", func(f url.Values, _ *http.Request) { f.Set("user", "mallory") }, 400, "no such person"},
		{"nobody", func(f url.Values, _ *http.Request) { f.Del("user") }, 400, "no such person"},
		{"person in capitals", func(f url.Values, _ *http.Request) { f.Set("user", "Alice") }, 400, "no such person"},
		{"wrong code", func(f url.Values, _ *http.Request) { f.Set("user_code", "BBBB-BBBB") }, 404, "no sign-in has this code"},
		{"no code", func(f url.Values, _ *http.Request) { f.Del("user_code") }, 404, "no sign-in has this code"},
		{"code in the address only", func(f url.Values, r *http.Request) {
			r.URL.RawQuery = url.Values{"user_code": f["user_code"], "user": f["user"]}.Encode()
			f.Del("user_code")
		}, 404, "no sign-in has this code"},
		{"no token", func(f url.Values, _ *http.Request) { f.Del("csrf") }, 403, "try again"},
		{"made-up token", func(f url.Values, _ *http.Request) { f.Set("csrf", "x") }, 403, "try again"},
		{"other origin", func(_ url.Values, r *http.Request) { r.Header.Set("Origin", evil) }, 403, "own page"},
		{"null origin", func(_ url.Values, r *http.Request) { r.Header.Set("Origin", "null") }, 403, "own page"},
		{"empty origin", func(_ url.Values, r *http.Request) { r.Header.Set("Origin", "") }, 403, "own page"},
		{"two origins", func(_ url.Values, r *http.Request) { r.Header["Origin"] = []string{p.Issuer(), evil} }, 403, "own page"},
		{"from another site", func(_ url.Values, r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }, 403, "own page"},
		{"from a neighbour", func(_ url.Values, r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") }, 403, "own page"},
		{"other host", func(_ url.Values, r *http.Request) { r.Host = "evil.test" }, 403, "loopback"},
		{"too large", func(f url.Values, _ *http.Request) { f.Set("pad", strings.Repeat("x", maxBody)) }, 400, "does not parse"},
	} {
		t.Run(c.name, func(t *testing.T) {
			user, device := begin(t, p)
			b := browser(t)
			f := formOf(t, p, b)
			f.Set("user_code", user)
			f.Set("user", "alice")
			r := request(t, http.MethodPost, p.URL(), nil)
			if c.edit != nil {
				c.edit(f, r)
			}
			sent := request(t, http.MethodPost, r.URL.String(), f)
			sent.Host = r.Host
			for k, v := range r.Header {
				sent.Header[k] = v
			}
			resp, body := open(t, b, sent)
			if resp.StatusCode != c.status || !strings.Contains(body, c.says) {
				t.Errorf("%s, want %d that says %q:\n%s", resp.Status, c.status, c.says, body)
			}
			p.codes.mu.Lock()
			answered := p.codes.byDevice[device].answered
			p.codes.mu.Unlock()
			if answered != (c.status == 200) {
				t.Errorf("answered: %v", answered)
			}
		})
	}
}

// A form is good for one answer, with the cookie it came with, and a code too.
func TestOnce(t *testing.T) {
	p := start(t, nil)
	send := func(c *http.Client, f url.Values) int {
		resp, _ := open(t, c, request(t, http.MethodPost, p.URL(), f))
		return resp.StatusCode
	}
	one, _ := begin(t, p)
	two, _ := begin(t, p)
	b := browser(t)
	f := formOf(t, p, b)
	tab := formOf(t, p, b) // the same person opens a second tab
	f.Set("user", "alice")
	f.Set("user_code", one)
	if got := send(http.DefaultClient, f); got != http.StatusForbidden {
		t.Errorf("without the cookie: %d", got)
	}
	f = formOf(t, p, b)
	f.Set("user", "alice")
	f.Set("user_code", one)
	other := browser(t)
	formOf(t, p, other)
	if got := send(other, f); got != http.StatusForbidden {
		t.Errorf("with another's cookie: %d", got)
	}
	f["csrf"] = formOf(t, p, b)["csrf"]
	if got := send(b, f); got != http.StatusOK {
		t.Errorf("properly: %d", got)
	}
	f.Set("user_code", two)
	if got := send(b, f); got != http.StatusForbidden {
		t.Errorf("the form again: %d", got)
	}
	tab.Set("user", "alice")
	tab.Set("user_code", one)
	if got := send(b, tab); got != http.StatusConflict {
		t.Errorf("the code again, from the other tab: %d", got)
	}
}

func TestLateApproval(t *testing.T) {
	p := start(t, nil)
	user, device := begin(t, p)
	p.codes.mu.Lock()
	p.codes.byDevice[device].expires = time.Now().Add(-time.Second)
	p.codes.mu.Unlock()
	if err := Approve(t.Context(), nil, p.URL(), user, "alice"); err == nil || !strings.Contains(err.Error(), "410 Gone: this code has expired") {
		t.Errorf("got %v", err)
	}
}

func TestForms(t *testing.T) {
	g := newPage()
	r := request(t, http.MethodGet, "http://127.0.0.1/", nil)
	for range 3 * maxForms {
		g.hand(r)
	}
	if len(g.forms) > maxForms {
		t.Errorf("%d forms are kept", len(g.forms))
	}
}

// The line the demo prints works in a shell.
func TestCurlApprove(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("curl is needed: install it")
		}
		t.Skip("SKIPPED, NOT PROVED: curl is not here")
	}
	p := start(t, nil)
	run := func(line string) string {
		out, err := exec.CommandContext(t.Context(), "sh", "-euc", line).CombinedOutput()
		if err != nil {
			t.Fatalf("%s\n%v\n%s", line, err, out)
		}
		return string(out)
	}
	user, device := begin(t, p)
	if out := run(CurlApprove(p.URL(), user, "alice")); !strings.HasPrefix(out, "Approved as alice") {
		t.Errorf("printed %q", out)
	}
	if status, v := poll(t, p, device); status != http.StatusOK {
		t.Errorf("not approved: %v", v)
	}
	if out := run(CurlApprove(p.URL(), "", "")); !strings.HasPrefix(out, "no sign-in has this code") {
		t.Errorf("printed %q", out)
	}
	user, _ = begin(t, p)
	if out := run(CurlApprove(p.URL()+"?user_code="+user, user, "a'b; $(id)")); !strings.HasPrefix(out, "choose who signs in") {
		t.Errorf("printed %q", out)
	}
}

func FuzzCanonical(f *testing.F) {
	f.Add("wdjb-mjht")
	f.Add("WDJB MJHT ")
	f.Fuzz(func(t *testing.T, code string) {
		c := canonical(code)
		if c != "" && (len(c) != 9 || canonical(c) != c) {
			t.Errorf("%q became %q", code, c)
		}
	})
}

func FuzzReadForm(f *testing.F) {
	f.Add(`<form action="/x"><input name="a" value="&lt;"><input type=radio name="b"></form>`)
	f.Fuzz(func(t *testing.T, page string) {
		if _, fields, ok := readForm(page); ok && fields == nil || !ok && fields != nil {
			t.Errorf("%q: %v, %v", page, fields, ok)
		}
	})
}
