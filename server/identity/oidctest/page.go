package oidctest

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"errors"
	"html/template"
	"net/http"
	"regexp"
	"sync"
	"time"
)

const (
	cookieName = "sallyport_demo"
	formLife   = 10 * time.Minute
	maxForms   = 1000
)

var (
	//go:embed page.html
	pageHTML string
	//go:embed page.css
	pageCSS string

	pageTemplate = template.Must(template.New("page").Parse(pageHTML))
	pagePolicy   = func() string {
		sum := sha256.Sum256([]byte(pageCSS))
		return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
			"'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
	}()
	cookieForm = regexp.MustCompile(`^[A-Z2-7]{26}$`) // rand.Text
)

// page keeps the forms that were handed out: csrf token → the cookie it was
// handed out with. Each is good for one answer.
type page struct {
	mu    sync.Mutex // guards forms
	forms map[string]form
}

type form struct {
	cookie  string
	expires time.Time
}

func newPage() *page { return &page{forms: map[string]form{}} }

// hand returns a token for a form and the cookie that must come back with it.
// The browser's cookie is kept, so that two tabs do not disturb each other.
func (g *page) hand(r *http.Request) (csrf, cookie string) {
	if c, err := r.Cookie(cookieName); err == nil && cookieForm.MatchString(c.Value) {
		cookie = c.Value
	} else {
		cookie = rand.Text()
	}
	csrf = rand.Text()
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	for t, f := range g.forms {
		// Past the bound any form may go: its owner asks for another.
		if now.After(f.expires) || len(g.forms) >= maxForms {
			delete(g.forms, t)
		}
	}
	g.forms[csrf] = form{cookie: cookie, expires: now.Add(formLife)}
	return csrf, cookie
}

// take spends the token of a form.
func (g *page) take(r *http.Request) bool {
	token := r.PostForm.Get("csrf")
	g.mu.Lock()
	f, ok := g.forms[token]
	delete(g.forms, token)
	g.mu.Unlock()
	c, err := r.Cookie(cookieName)
	return ok && err == nil && c.Value == f.cookie && time.Now().Before(f.expires)
}

// view is what the template shows.
type view struct {
	CSS          template.CSS
	Client, Code string
	CSRF         string // empty: there is nothing left to answer
	People       []Person
	Message      string
	Good         bool
}

func (p *Provider) showPage(w http.ResponseWriter, r *http.Request) {
	p.form(w, r, http.StatusOK, r.URL.Query().Get("user_code"), "")
}

// answerPage approves or denies. It reads the body's fields only.
func (p *Provider) answerPage(w http.ResponseWriter, r *http.Request) {
	if !p.sameOrigin(r) {
		p.form(w, r, http.StatusForbidden, "", "this did not come from the provider's own page")
		return
	}
	if err := r.ParseForm(); err != nil {
		p.form(w, r, http.StatusBadRequest, "", "the form does not parse")
		return
	}
	code, name := r.PostForm.Get("user_code"), r.PostForm.Get("user")
	if !p.page.take(r) {
		p.form(w, r, http.StatusForbidden, code, "this form was sent before, or the browser sent no cookie: try again")
		return
	}
	deny := r.PostForm.Get("action") == "deny"
	_, known := p.people[name]
	switch action := r.PostForm.Get("action"); {
	case action != "" && action != "approve" && !deny:
		p.form(w, r, http.StatusBadRequest, code, "approve or deny?")
		return
	case !known && !deny:
		p.form(w, r, http.StatusBadRequest, code, "choose who signs in: there is no such person")
		return
	case deny:
		name = ""
	}
	if err := p.codes.answer(code, name); err != nil {
		p.form(w, r, statusOf(err), code, err.Error())
		return
	}
	p.log.Info("sign-in answered", "user", name, "denied", deny)
	if deny {
		p.render(w, http.StatusOK, view{Message: "Denied. Nobody was signed in. You can close this page."})
		return
	}
	p.render(w, http.StatusOK, view{Good: true, Message: "Approved as " + name + ". Go back to the terminal; you can close this page."})
}

// sameOrigin refuses what a browser says comes from elsewhere. Programs without
// these headers pass; the cookie and token are asked of them too.
func (p *Provider) sameOrigin(r *http.Request) bool {
	if o := r.Header.Values("Origin"); len(o) > 1 || len(o) == 1 && o[0] != p.issuer {
		return false
	}
	site := r.Header.Get("Sec-Fetch-Site")
	return site == "" || site == "same-origin"
}

func statusOf(err error) int {
	switch {
	case errors.Is(err, errUnknownCode):
		return http.StatusNotFound
	case errors.Is(err, errUsedCode):
		return http.StatusConflict
	case errors.Is(err, errExpiredCode):
		return http.StatusGone
	}
	return http.StatusInternalServerError
}

// form shows the form, with a message where something went wrong before.
func (p *Provider) form(w http.ResponseWriter, r *http.Request, status int, code, message string) {
	if c := canonical(code); c != "" {
		code = c
	} else if len(code) > 32 {
		code = ""
	}
	csrf, cookie := p.page.hand(r)
	http.SetCookie(w, &http.Cookie{
		Name: cookieName, Value: cookie, Path: pagePath, MaxAge: int(formLife / time.Second),
		HttpOnly: true, SameSite: http.SameSiteStrictMode,
	})
	p.render(w, status, view{Code: code, CSRF: csrf, Client: p.options.ClientID, People: p.options.People, Message: message})
}

func (p *Provider) render(w http.ResponseWriter, status int, v view) {
	v.CSS = template.CSS(pageCSS)
	var b bytes.Buffer
	if err := pageTemplate.Execute(&b, v); err != nil {
		http.Error(w, "the page cannot be drawn", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", pagePolicy)
	h.Set("X-Frame-Options", "DENY")
	// Not no-referrer: browsers would then send "Origin: null" with the form.
	h.Set("Referrer-Policy", "same-origin")
	w.WriteHeader(status)
	_, _ = b.WriteTo(w) // the reader is gone if this fails
}
