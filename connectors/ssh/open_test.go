package ssh

import (
	"encoding/pem"
	"errors"
	"net"
	"strings"
	"testing"

	gossh "golang.org/x/crypto/ssh"

	"github.com/sallyport/sallyport/connectors"
)

// A target with another key gets nothing: not a password, not even the question
// which methods it takes.
func TestChangedHostKeyGetsNothing(t *testing.T) {
	f := &fake{}
	f.passwords()
	f.start(t)
	e := f.endpoint()
	other := newSigner(t).PublicKey()
	for name, pins := range map[string][]string{
		"key":         {line(other)},
		"fingerprint": {gossh.FingerprintSHA256(other)},
		"both":        {line(other), gossh.FingerprintSHA256(newSigner(t).PublicKey())},
	} {
		e.HostKeys = pins
		_, err := f.try(t, Options{}, e, goodPassword)
		if !errors.Is(err, connectors.ErrHostKey) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, fp := range []string{gossh.FingerprintSHA256(other), gossh.FingerprintSHA256(f.keys[0])} {
			if name != "both" && !strings.Contains(err.Error(), fp) {
				t.Errorf("%s: %q does not name %s", name, err, fp)
			}
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.attempts)+len(f.secrets) != 0 {
		t.Errorf("it was asked by %q, and got %q", f.attempts, f.secrets)
	}
}

func TestPins(t *testing.T) {
	f := &fake{}
	f.passwords()
	f.start(t, newRSASigner(t), newSigner(t))
	rsa, ed := f.keys[0], f.keys[1]
	other := newSigner(t).PublicKey()
	for name, tt := range map[string]struct {
		pins []string
		want error
	}{
		"rsa":                    {[]string{line(rsa)}, nil},
		"ed25519":                {[]string{line(ed) + " web-1 since 2026\n"}, nil},
		"fingerprint":            {[]string{gossh.FingerprintSHA256(ed), gossh.FingerprintSHA256(rsa)}, nil},
		"one of several":         {[]string{line(other), line(ed)}, nil},
		"none":                   {nil, connectors.ErrHostKey},
		"nonsense":               {[]string{"web-1"}, connectors.ErrHostKey},
		"one good, one nonsense": {[]string{line(ed), "ssh-ed25519 AAAA"}, connectors.ErrHostKey},
		"two in one line":        {[]string{line(ed) + "\n" + line(rsa)}, connectors.ErrHostKey},
		"short fingerprint":      {[]string{"SHA256:AAAA"}, connectors.ErrHostKey},
	} {
		t.Run(name, func(t *testing.T) {
			e := f.endpoint()
			e.HostKeys = tt.pins
			if _, err := f.try(t, Options{}, e, goodPassword); !errors.Is(err, tt.want) {
				t.Errorf("%v, want %v", err, tt.want)
			}
		})
	}
	only := &fake{}
	only.passwords()
	only.start(t, newRSASigner(t))
	e := only.endpoint()
	e.HostKeys = []string{line(ed)}
	_, err := only.try(t, Options{}, e, goodPassword)
	if !errors.Is(err, connectors.ErrHostKey) || !strings.Contains(err.Error(), gossh.FingerprintSHA256(ed)) {
		t.Errorf("a target without a key of the pinned type: %v", err)
	}
	if len(only.attempts) != 0 {
		t.Errorf("it was asked by %q", only.attempts)
	}
}

// interactive makes the server ask rounds of questions, each echoed or not.
func (f *fake) interactive(echo bool, rounds ...[]string) {
	f.config.KeyboardInteractiveCallback = func(_ gossh.ConnMetadata, ask gossh.KeyboardInteractiveChallenge) (*gossh.Permissions, error) {
		for _, questions := range rounds {
			echos := make([]bool, len(questions))
			for i := range echos {
				echos[i] = echo
			}
			answers, err := ask("", "", questions, echos)
			if err != nil {
				return nil, err
			}
			for _, a := range answers {
				if err := f.judge(a); err != nil {
					return nil, err
				}
			}
		}
		return nil, nil
	}
}

func TestSignIn(t *testing.T) {
	key := newSigner(t)
	for name, tt := range map[string]struct {
		server func(*fake)
		secret string
		want   error
		sent   int // secrets that may have arrived
	}{
		"password":         {func(f *fake) { f.passwords() }, goodPassword, nil, 1},
		"wrong password":   {func(f *fake) { f.passwords() }, "wr0ng-h0rse", connectors.ErrCredential, 1},
		"none":             {func(f *fake) { f.passwords() }, "", connectors.ErrCredential, 0},
		"prompt":           {func(f *fake) { f.interactive(false, []string{"Password: "}) }, goodPassword, nil, 1},
		"prompt, then ok":  {func(f *fake) { f.interactive(false, []string{"Password: "}, nil) }, goodPassword, nil, 1},
		"wrong at prompt":  {func(f *fake) { f.interactive(false, []string{"Password: "}) }, "wr0ng-h0rse", connectors.ErrCredential, 1},
		"second prompt":    {func(f *fake) { f.interactive(false, []string{"Password: "}, []string{"Code: "}) }, goodPassword, connectors.ErrCredential, 1},
		"two at once":      {func(f *fake) { f.interactive(false, []string{"Password: ", "Code: "}) }, goodPassword, connectors.ErrCredential, 0},
		"echoed prompt":    {func(f *fake) { f.interactive(true, []string{"Name: "}) }, goodPassword, connectors.ErrCredential, 0},
		"only keys wanted": {func(f *fake) { f.config.PublicKeyCallback = refuseKey }, goodPassword, connectors.ErrCredential, 0},
	} {
		t.Run(name, func(t *testing.T) {
			f := &fake{}
			tt.server(f)
			f.start(t, key)
			if _, err := f.try(t, Options{}, f.endpoint(), tt.secret); !errors.Is(err, tt.want) {
				t.Errorf("%v, want %v", err, tt.want)
			}
			f.mu.Lock()
			defer f.mu.Unlock()
			if len(f.secrets) > tt.sent {
				t.Errorf("the secret was sent %d times", len(f.secrets))
			}
		})
	}
}

func refuseKey(gossh.ConnMetadata, gossh.PublicKey) (*gossh.Permissions, error) {
	return nil, errors.New("no")
}

// An unusable key is told apart from a refused one, before anything is dialled.
func TestPrivateKeys(t *testing.T) {
	dialled := func(string) connectors.Endpoint {
		return connectors.Endpoint{Name: "web-1", Address: "127.0.0.1:1", HostKeys: []string{line(newSigner(t).PublicKey())}}
	}
	f := &fake{}
	for name, tt := range map[string]struct{ text, says string }{
		"garbage": {"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAAcanary\n-----END OPENSSH PRIVATE KEY-----\n", "cannot be read"},
		"locked": {string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY",
			Headers: map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-128-CBC,00"}, Bytes: []byte("canary")})), "encrypted"},
	} {
		_, err := f.try(t, Options{}, dialled(name), tt.text)
		if !errors.Is(err, connectors.ErrCredential) || !strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What is no SSH server, or hangs up, has an error of its own.
func TestNotSSH(t *testing.T) {
	for name, tt := range map[string]struct {
		says string
		want error
	}{
		"hangs up":   {"", connectors.ErrVanished},
		"speaks web": {"HTTP/1.1 400 Bad Request\r\n\r\n" + strings.Repeat("x", 300), connectors.ErrProtocol},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			go func() {
				c, err := l.Accept()
				if err != nil {
					return
				}
				b := make([]byte, 4096)
				_, _ = c.Read(b)
				_, _ = c.Write([]byte(tt.says))
				if tt.says != "" {
					_, _ = c.Read(b) // until the driver gives up
				}
				_ = c.Close()
			}()
			f := &fake{}
			e := connectors.Endpoint{Name: "web-1", Address: l.Addr().String(), HostKeys: []string{line(newSigner(t).PublicKey())}}
			if _, err := f.try(t, Options{}, e, goodPassword); !errors.Is(err, tt.want) {
				t.Errorf("%v, want %v", err, tt.want)
			}
		})
	}
}

func TestSilentTarget(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // nobody accepts
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	f := &fake{}
	e := connectors.Endpoint{Name: "web-1", Address: l.Addr().String(), HostKeys: []string{line(newSigner(t).PublicKey())}}
	if _, err := f.try(t, Options{Handshake: 30_000_000}, e, goodPassword); !errors.Is(err, connectors.ErrUnreachable) {
		t.Errorf("%v, want %v", err, connectors.ErrUnreachable)
	}
}

func TestAlgorithmsAreModern(t *testing.T) {
	c := algorithms(false)
	known := trust{pins: pins{{fingerprint: "x"}}}
	for _, list := range [][]string{c.KeyExchanges, c.Ciphers, c.MACs, known.algorithms()} {
		if len(list) == 0 {
			t.Error("an empty list means the library's defaults")
		}
		for _, name := range list {
			if strings.HasSuffix(name, "sha1") || strings.HasSuffix(name, "-cbc") || name == "ssh-rsa" || name == "ssh-dss" {
				t.Errorf("%s is offered", name)
			}
		}
	}
}

func FuzzParsePins(f *testing.F) {
	f.Add("SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU")
	f.Add(line(newSigner(f).PublicKey()))
	f.Fuzz(func(t *testing.T, text string) {
		p, err := parsePins([]string{text})
		if err != nil {
			if !errors.Is(err, connectors.ErrHostKey) {
				t.Errorf("%v is no %v", err, connectors.ErrHostKey)
			}
			return
		}
		if len(p) != 1 || !strings.HasPrefix(p[0].fingerprint, "SHA256:") {
			t.Errorf("%q gives %v", text, p)
		}
		if p[0].key != nil && !p.has(p[0].key) {
			t.Errorf("%q does not match itself", text)
		}
	})
}
