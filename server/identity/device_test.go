package identity

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/oauth2"

	"github.com/sallyport/sallyport/policy"
)

// run is one flow in virtual time; it returns when each poll came, after Start.
func run(t *testing.T, f *fakeIDP, edit func(*Config)) (policy.Identity, []time.Duration, error) {
	t.Helper()
	flow, err := f.provider(t, edit).Start(t.Context())
	if err != nil {
		t.Fatalf("start: %v", err)
	}
	begun := time.Now()
	id, err := flow.Wait(t.Context())
	var at []time.Duration
	for _, p := range f.polls {
		at = append(at, p.Sub(begun))
	}
	return id, at, err
}

func seconds(n ...int) (out []time.Duration) {
	for _, s := range n {
		out = append(out, time.Duration(s)*time.Second)
	}
	return out
}

func TestWait(t *testing.T) {
	good := func() (int, string) { return answerWith(sign(header(nil), payload(nil))) }
	// after answers the first polls with the codes and then lets the sign-in pass.
	after := func(codes ...string) func(int) (int, string) {
		return func(poll int) (int, string) {
			switch {
			case poll > len(codes):
				return good()
			case codes[poll-1] == "drop":
				return dropped, ""
			case strings.HasPrefix(codes[poll-1], "5") || codes[poll-1] == "429":
				return map[string]int{"500": 500, "503": 503, "429": 429}[codes[poll-1]], "<html>oops " + testDevice
			}
			return oauthError(codes[poll-1])
		}
	}
	always := func(code string) func(int) (int, string) {
		return func(int) (int, string) { return after(strings.Split(strings.Repeat(code+" ", 999), " ")...)(1) }
	}
	for _, c := range []struct {
		name  string
		token func(int) (int, string)
		want  error
		says  string
		polls []time.Duration // the first ones
	}{
		{"approved at once", after(), nil, "", seconds(2)},
		{"approved after a while", after("authorization_pending", "authorization_pending"), nil, "", seconds(2, 4, 6)},
		{"slow_down five times", after("slow_down", "slow_down", "slow_down", "slow_down", "slow_down"), nil, "", seconds(2, 9, 21, 38, 60, 87)},
		{"slow_down holds for later polls", after("slow_down", "authorization_pending", "authorization_pending"), nil, "", seconds(2, 9, 16, 23)},
		{"three failures", after("500", "drop", "429"), nil, "", seconds(2, 9, 21, 38)},
		{"failures apart", after("503", "503", "503", "authorization_pending", "503", "503", "503"), nil, "", seconds(2, 9, 21)},
		{"denied", after("access_denied"), ErrDenied, "", seconds(2)},
		{"expired, says the provider", after("authorization_pending", "expired_token"), ErrExpired, "", seconds(2, 4)},
		{"forgotten by the provider", after("invalid_grant"), ErrExpired, "", seconds(2)},
		{"expired", always("authorization_pending"), ErrExpired, "", seconds(2, 4, 6)},
		{"down", always("500"), ErrUnavailable, "500 Internal Server Error", seconds(2, 9, 21, 38)},
		{"cut off", always("drop"), ErrUnavailable, "connection reset", seconds(2, 9, 21, 38)},
		{"refused", after("invalid_client"), ErrUnavailable, "invalid_client, HTTP 400", seconds(2)},
		{"error code with an escape", after("\x1b]52;c;x\a"), ErrUnavailable, "(HTTP 400)", seconds(2)},
		{"HTML and 200", func(int) (int, string) { return 200, "<html>" + testDevice }, ErrToken, "not a token answer", seconds(2)},
		{"empty and 200", func(int) (int, string) { return 200, "" }, ErrToken, "not a token answer", seconds(2)},
		{"no access token", func(int) (int, string) { return 200, `{"id_token":"x"}` }, ErrToken, "not a token answer", seconds(2)},
		{"too large", func(int) (int, string) { return 200, `{"id_token":"` + strings.Repeat("x", maxAnswer) }, ErrUnavailable, "too large", seconds(2, 9, 21, 38)},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFakeIDP()
				f.token = c.token
				id, polls, err := run(t, f, nil)
				if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
					t.Fatalf("got %v, want %v", err, c.want)
				}
				if d := cmp.Diff(c.polls, polls[:min(len(c.polls), len(polls))]); d != "" {
					t.Errorf("polls (-want +got):\n%s", d)
				}
				if err == nil {
					if id.Subject != "u-1" || id.Method != "device" {
						t.Errorf("identity %+v", id)
					}
					return
				}
				if !strings.Contains(err.Error(), c.says) || strings.ContainsFunc(err.Error(), func(r rune) bool { return r < ' ' }) {
					t.Errorf("error %q does not say %q on one line", err, c.says)
				}
				checkSilent(t, err, "")
			})
		})
	}
}

// A provider that accepts a poll and never answers costs callTimeout a poll.
func TestWaitHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeIDP()
		f.handle["/token"] = func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
		_, _, err := run(t, f, nil)
		if !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "no answer within 10s") {
			t.Errorf("got %v, want ErrUnavailable", err)
		}
	})
}

func TestWaitEndsWithContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeIDP()
		f.handle["/token"] = func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
		flow, err := f.provider(t, nil).Start(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		gone := errors.New("the client hung up")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(3*time.Second, func() { cancel(gone) })
		if _, err := flow.Wait(ctx); !errors.Is(err, gone) || errors.Is(err, ErrExpired) {
			t.Errorf("got %v, want the cause", err)
		}
		if _, err := flow.Wait(t.Context()); err == nil {
			t.Error("a flow was waited for twice")
		}
	})
}

// Nothing outlives maxWait or the configured wait, whatever the provider says.
func TestCodeLifetime(t *testing.T) {
	for _, c := range []struct {
		says any
		set  time.Duration
		want time.Duration
	}{
		{300, 0, 5 * time.Minute},
		{86400, 0, 5 * time.Minute},
		{nil, 0, 5 * time.Minute},
		{86400, time.Hour, 5 * time.Minute},
		{300, time.Minute, time.Minute},
		{30, time.Minute, 30 * time.Second},
	} {
		t.Run(fmt.Sprint(c.says, " ", c.set), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFakeIDP()
				f.device = m{"expires_in": c.says}
				f.token = func(int) (int, string) { return oauthError("authorization_pending") }
				flow, err := f.provider(t, func(g *Config) { g.MaxWait = c.set }).Start(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				begun := time.Now()
				if got := flow.Expires.Sub(begun); got != c.want {
					t.Errorf("expires in %s, want %s", got, c.want)
				}
				if _, err := flow.Wait(t.Context()); !errors.Is(err, ErrExpired) {
					t.Errorf("got %v, want ErrExpired", err)
				}
				if got := time.Since(begun); got != c.want {
					t.Errorf("waited %s, want %s", got, c.want)
				}
			})
		})
	}
}

func TestStartRefuses(t *testing.T) {
	status := func(code int, body string) func(*fakeIDP) {
		return func(f *fakeIDP) {
			f.handle["/device"] = func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(code)
				fmt.Fprint(w, body)
			}
		}
	}
	device := func(over m) func(*fakeIDP) { return func(f *fakeIDP) { f.device = over } }
	for _, c := range []struct {
		name string
		edit func(*fakeIDP)
		want error
		says string
	}{
		{"no device code", device(m{"device_code": nil}), ErrToken, "no device code"},
		{"no user code", device(m{"user_code": nil}), ErrToken, "no user code"},
		{"user code with an escape", device(m{"user_code": "A\x1b[2J"}), ErrToken, "no user code"},
		{"user code turned around", device(m{"user_code": "A\u202eB"}), ErrToken, "no user code"},
		{"user code endless", device(m{"user_code": strings.Repeat("A", 65)}), ErrToken, "no user code"},
		{"no page", device(m{"verification_uri": nil}), ErrToken, "verification_uri"},
		{"page over http", device(m{"verification_uri": "http://login.test/go"}), ErrToken, "verification_uri"},
		{"page a script", device(m{"verification_uri": "javascript:alert(1)"}), ErrToken, "verification_uri"},
		{"page with a user", device(m{"verification_uri": "https://login.test@evil.test/"}), ErrToken, "verification_uri"},
		{"page with an escape", device(m{"verification_uri": "https://login.test/\x1b\\"}), ErrToken, "verification_uri"},
		{"expired already", device(m{"expires_in": -5}), ErrToken, "expired already"},
		{"a lifetime that overflows", device(m{"expires_in": 1 << 62}), ErrToken, ""},
		{"interval below zero", device(m{"interval": -1}), ErrToken, "a poll every -1 s"},
		{"interval beyond the code", device(m{"interval": 300}), ErrToken, "a poll every 300 s"},
		{"interval that overflows", device(m{"interval": 1 << 62}), ErrToken, "a poll every"},
		{"answer not JSON", status(200, "<html>"), ErrToken, "does not parse"},
		{"answer of other types", status(200, `{"expires_in":"soon"}`), ErrToken, "does not parse"},
		{"unknown client", status(401, `{"error":"invalid_client","error_description":"who is bastion?"}`), ErrUnavailable, "invalid_client, HTTP 401: who is bastion?"},
		{"our secret echoed", status(401, `{"error":"invalid_client","error_description":"wrong secret `+testSecret+`"}`), ErrUnavailable, "invalid_client"},
		{"HTML and 500", status(500, "<html>"+testSecret), ErrUnavailable, "HTTP 500"},
		{"moved", func(f *fakeIDP) {
			f.handle["/device"] = func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
			}
		}, ErrUnavailable, "HTTP 307"},
		{"hangs", func(f *fakeIDP) {
			f.handle["/device"] = func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
		}, ErrUnavailable, "no answer within 10s"},
		{"cut off", status(dropped, ""), ErrUnavailable, "connection reset"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFakeIDP()
				c.edit(f)
				flow, err := f.provider(t, confidential).Start(t.Context())
				if !errors.Is(err, c.want) || flow != nil {
					t.Fatalf("got %v, %v; want %v", flow, err, c.want)
				}
				if !strings.Contains(err.Error(), c.says) {
					t.Errorf("error %q does not say %q", err, c.says)
				}
				checkSilent(t, err, "")
			})
		})
	}
}

// A link that cannot be trusted is left out; the plain one is enough.
func TestCompleteLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeIDP()
		f.device = m{"verification_uri_complete": "http://login.test/go", "user_code": "0123 456-789"}
		flow, err := f.provider(t, nil).Start(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if flow.CompleteURL != "" || flow.URL != testIssuer+"/go" || flow.Code != "0123 456-789" {
			t.Errorf("flow shows %q, %q, %q", flow.URL, flow.CompleteURL, flow.Code)
		}
		if s := fmt.Sprintf("%s %s %s", flow.URL, flow.CompleteURL, flow.Code); strings.Contains(s, testDevice) {
			t.Error("the device code shows")
		}
	})
}

// The device code goes to the token endpoint only, and never after a redirect.
func TestDeviceCodeStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeIDP()
		f.handle["/token"] = func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://evil.test/steal", http.StatusTemporaryRedirect)
		}
		_, _, err := run(t, f, nil)
		if !errors.Is(err, ErrUnavailable) {
			t.Errorf("got %v, want ErrUnavailable", err)
		}
		for _, r := range f.seen {
			if r.URL.Host != "login.test" || r.URL.Path != "/token" && strings.Contains(r.Form.Encode(), testDevice) {
				t.Errorf("%s %s was sent %s", r.Method, r.URL, r.Form.Encode())
			}
		}
	})
}

// RFC 8628 section 3.1 and 3.4: a client with a secret proves itself each time,
// in the way the provider announces, once per poll.
func TestClientAuthentication(t *testing.T) {
	for _, c := range []struct {
		methods any
		inBody  bool
	}{
		{[]string{"client_secret_basic"}, false}, {nil, false}, {[]string{"private_key_jwt"}, false},
		{[]string{"client_secret_post"}, true}, {[]string{"client_secret_post", "client_secret_basic"}, false},
	} {
		t.Run(fmt.Sprint(c.methods), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFakeIDP()
				f.discovery = m{"token_endpoint_auth_methods_supported": c.methods}
				f.token = func(poll int) (int, string) {
					if poll == 1 {
						return oauthError("authorization_pending")
					}
					return answerWith(sign(header(nil), payload(nil)))
				}
				_, polls, err := run(t, f, confidential)
				if err != nil || len(polls) != 2 {
					t.Fatalf("%d polls, error %v", len(polls), err)
				}
				for _, r := range f.seen {
					if r.Method != http.MethodPost {
						continue
					}
					_, pass, _ := r.BasicAuth()
					if body := r.PostForm.Get("client_secret"); body == testSecret != c.inBody || pass == testSecret == c.inBody {
						t.Errorf("%s: basic %v, body %v", r.URL.Path, pass != "", body != "")
					}
				}
			})
		})
	}
}

// Signing keys that cannot be had are the provider's failure, not the token's.
func TestKeysUnavailable(t *testing.T) {
	for name, h := range map[string]http.HandlerFunc{
		"down":      func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "oops", http.StatusServiceUnavailable) },
		"cut off":   func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(dropped) },
		"HTML":      func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") },
		"too large": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(bytes.Repeat([]byte(" "), 10*maxAnswer)) },
		"hangs":     func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFakeIDP()
				f.handle["/keys"] = h
				_, _, err := run(t, f, nil)
				if !errors.Is(err, ErrUnavailable) || len(err.Error()) > 400 {
					t.Errorf("got %v, want a short ErrUnavailable", err)
				}
			})
		})
	}
}

func TestRefusalNamesNoBody(t *testing.T) {
	e := &oauth2.RetrieveError{Response: &http.Response{StatusCode: 400}, Body: []byte(testDevice), ErrorCode: testDevice}
	if got := refusal(e); got != "HTTP 400" {
		t.Errorf("got %q", got)
	}
}
