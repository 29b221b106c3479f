package secret

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/sallyport/sallyport/mask"
)

// canary is the value that must never be seen.
const canary = "c4n4ry-Hunter2"

// leaks fails when an error, in any form, or a printed secret holds the canary.
func leaks(t *testing.T, s mask.Secret, err error) {
	t.Helper()
	for _, text := range []string{fmt.Sprint(err), fmt.Sprintf("%+v %#v", err, err), fmt.Sprintf("%v %+v %#v %s %q %x", s, s, s, s, s, s)} {
		if strings.Contains(text, "c4n4ry") || strings.Contains(text, fmt.Sprintf("%x", "c4n4ry")) {
			t.Errorf("it leaks: %s", text)
		}
	}
}

func write(t *testing.T, text string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func get(t *testing.T, env, file string) (mask.Secret, error) {
	t.Helper()
	src, err := New("resource orders-db", env, file)
	if err != nil {
		return mask.Secret{}, err
	}
	s, err := src.Get(context.Background())
	leaks(t, s, err)
	leaks(t, s, fmt.Errorf("source %v %+v", src, src))
	return s, err
}

func TestFile(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{canary, canary}, {canary + "\n", canary}, {canary + "\r\n", canary}, {canary + "\n\n", canary + "\n"},
		{canary + "\r", canary + "\r"}, {" " + canary + " ", " " + canary + " "},
		{strings.Repeat("x", MaxSize), strings.Repeat("x", MaxSize)},
	} {
		s, err := get(t, "", write(t, c.text, 0o600))
		if err != nil || string(s.Reveal()) != c.want {
			t.Errorf("%.20q: got %d bytes, want %d, %v", c.text, len(s.Reveal()), len(c.want), err)
		}
	}
	if s, err := get(t, "", write(t, canary, 0o400)); err != nil || string(s.Reveal()) != canary {
		t.Error("mode 0400:", err)
	}
}

func TestFileFaults(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, path string
		want       error
		say        string
	}{
		{"missing", filepath.Join(dir, "none"), ErrMissing, "none"},
		{"empty", write(t, "", 0o600), ErrMissing, "is empty"},
		{"newline", write(t, "\n", 0o600), ErrMissing, "is empty"},
		{"world", write(t, canary, 0o604), ErrUnsafe, "chmod 600"},
		{"group", write(t, canary, 0o640), ErrUnsafe, "chmod 600"},
		{"group writes", write(t, canary, 0o620), ErrUnsafe, "chmod 600"},
		{"large", write(t, strings.Repeat(canary, MaxSize/len(canary)+1), 0o600), ErrUnreadable, "more than 65536"},
		{"directory", dir, ErrUnreadable, "no regular file"},
		// Nobody ever writes to it: without care, opening it would wait for ever.
		{"fifo", fifo, ErrUnreadable, "no regular file"},
		{"device", "/dev/null", ErrUnreadable, "no regular file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := get(t, "", c.path)
			if !errors.Is(err, c.want) || !s.Empty() {
				t.Fatalf("%v", err)
			}
			for _, w := range []string{"resource orders-db: ", c.say, c.path} {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%q is not in: %v", w, err)
				}
			}
		})
	}
}

// Root reads everything, so the owner must be looked at, too.
func TestFileOfAnotherUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give a file away")
	}
	path := write(t, canary, 0o600)
	if err := os.Chown(path, 4711, -1); err != nil {
		t.Fatal(err)
	}
	if _, err := get(t, "", path); !errors.Is(err, ErrUnsafe) || !strings.Contains(err.Error(), "chown 0") {
		t.Fatal(err)
	}
}

func TestFileIsReadEachTime(t *testing.T) {
	path := write(t, "one", 0o600)
	src, err := New("x", "", path)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"one", "two"} {
		if err := os.WriteFile(path, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := src.Get(context.Background())
		if err != nil || string(s.Reveal()) != want {
			t.Fatalf("want %s: %v", want, err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := src.Get(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestEnv(t *testing.T) {
	const name = "SALLYPORT_TEST_SECRET"
	t.Setenv(name, canary)
	s, err := get(t, name, "")
	if err != nil || string(s.Reveal()) != canary {
		t.Fatal(err)
	}
	if _, set := os.LookupEnv(name); set {
		t.Error("the variable is still set")
	}
	out, err := exec.Command("/usr/bin/env").Output()
	if err != nil || bytes.Contains(out, []byte(canary)) {
		t.Errorf("a child sees it, or was not started: %v", err)
	}
	// Destroying what one got leaves the next one whole, and another reference to
	// the same variable works.
	s.Destroy()
	again, err := get(t, name, "")
	if err != nil || string(again.Reveal()) != canary {
		t.Errorf("again: %v", err)
	}
	t.Setenv(name, "anew")
	if s, err := get(t, name, ""); err != nil || string(s.Reveal()) != "anew" {
		t.Errorf("set anew: %v", err)
	}
}

func TestEnvFaults(t *testing.T) {
	for value, want := range map[string]error{"": ErrMissing, strings.Repeat(canary, 6000): ErrUnreadable} {
		t.Setenv("SALLYPORT_TEST_BAD", value)
		_, err := get(t, "SALLYPORT_TEST_BAD", "")
		leaks(t, mask.Secret{}, err)
		if !errors.Is(err, want) || !strings.Contains(err.Error(), "SALLYPORT_TEST_BAD") {
			t.Error(err)
		}
		if _, set := os.LookupEnv("SALLYPORT_TEST_BAD"); set {
			t.Error("the variable is still set")
		}
	}
	_, err := get(t, "SALLYPORT_TEST_UNSET", "")
	if !errors.Is(err, ErrMissing) || !strings.HasPrefix(err.Error(), "resource orders-db: environment variable \"SALLYPORT_TEST_UNSET\" is not set") {
		t.Error(err)
	}
}

func TestReference(t *testing.T) {
	for _, c := range [][2]string{{"", ""}, {"A", "/b"}} {
		if _, err := New("sign_in", c[0], c[1]); err == nil || !strings.HasPrefix(err.Error(), "sign_in: ") {
			t.Error(c, err)
		}
	}
}

func TestConcurrent(t *testing.T) {
	t.Setenv("SALLYPORT_TEST_MANY", canary)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			s, err := get(t, "SALLYPORT_TEST_MANY", "")
			if err != nil || string(s.Reveal()) != canary {
				t.Error(err)
			}
			s.Destroy()
		})
	}
	wg.Wait()
}
