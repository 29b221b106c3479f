// Package idptest answers: does it work with somebody else's OpenID provider too?
//
// It runs the provider of testdata/idp (npm oidc-provider), which shares no code
// with this project, and signs people in on its pages. For tests only.
package idptest

import (
	"bufio"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Person is somebody the provider knows, under the name that is typed on its
// login page, which is their subject too.
type Person struct {
	Email  string   `json:"email,omitempty"`
	Groups []string `json:"groups,omitempty"`
}

// Client is the ID of the provider's one client, a public one.
const Client = "bastion"

// Scopes are what the client may ask for besides openid.
var Scopes = []string{"profile", "email", "groups"}

// Provider is a running provider.
type Provider struct {
	// Issuer is its URL, http on 127.0.0.1.
	Issuer string
}

// Start runs the provider until the test ends. Where Node.js 20 is missing or the
// provider cannot be installed, the test fails in CI (CI is set in the
// environment) and is skipped aloud elsewhere.
func Start(t testing.TB, people map[string]Person) *Provider {
	t.Helper()
	dir, err := install(t.Context())
	if err != nil {
		missing(t, err)
	}
	list, err := json.Marshal(people)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "people.json")
	if err := os.WriteFile(file, list, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(node(), filepath.Join(dir, "server.mjs"), file, "0", Client)
	cmd.WaitDelay = 10 * time.Second
	var said strings.Builder
	cmd.Stderr = &said
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	read := make(chan struct{})
	t.Cleanup(func() {
		_ = in.Close() // it exits then; what matters is Wait's result
		<-read
		if err := cmd.Wait(); err != nil {
			t.Errorf("the second provider ended: %v\n%s", err, said.String())
		}
	})
	issuer := make(chan string, 1)
	go func() { // until the process has ended
		defer close(read)
		defer close(issuer)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if at, ok := strings.CutPrefix(lines.Text(), "listening "); ok {
				issuer <- at
			}
		}
	}()
	at, ok := <-issuer
	if !ok {
		t.Fatal("the second provider does not start; its own words follow")
	}
	return &Provider{Issuer: at}
}

func missing(t testing.TB, err error) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf("the second OpenID provider is needed: %v", err)
	}
	t.Skipf("SKIPPED, NOT PROVED: the second OpenID provider: %v", err)
}

// install puts the provider into the user's cache, once for each version of its
// files, and returns the folder.
func install(ctx context.Context) (string, error) {
	if err := checkNode(ctx); err != nil {
		return "", err
	}
	src, err := source()
	if err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	files, sum := map[string][]byte{}, sha256.New()
	for _, name := range []string{"package.json", "package-lock.json", "server.mjs"} {
		if files[name], err = os.ReadFile(filepath.Join(src, name)); err != nil {
			return "", err
		}
		sum.Write(files[name])
	}
	dir := filepath.Join(cache, "sallyport-test", "idp-"+hex.EncodeToString(sum.Sum(nil)[:8]))
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	return dir, fill(ctx, dir, files)
}

// fill installs beside dir and renames, so that tests of several packages may do
// so at once and none sees half of it.
func fill(ctx context.Context, dir string, files map[string][]byte) (err error) {
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(filepath.Dir(dir), ".idp-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(tmp)) }()
	for name, b := range files {
		if err := os.WriteFile(filepath.Join(tmp, name), b, 0o600); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	npm := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier")
	npm.Dir = tmp
	if out, err := npm.CombinedOutput(); err != nil {
		return fmt.Errorf("npm ci: %w\n%s", err, out)
	}
	if err := os.Rename(tmp, dir); err != nil {
		if _, there := os.Stat(dir); there == nil {
			return nil // another test was faster
		}
		return err
	}
	return nil
}

// node is the program: one that testdata/tools/need.sh has put into the user's cache
// where the system's is too old, else the one in PATH.
func node() string {
	if cache, err := os.UserCacheDir(); err == nil {
		own := filepath.Join(cache, "sallyport-test", "node", "node_modules", "node", "bin", "node")
		if _, err := os.Stat(own); err == nil {
			return own
		}
	}
	return "node"
}

func checkNode(ctx context.Context) error {
	const need = "Node.js 20 or newer and npm are needed (the npm package \"node\" carries the program)"
	out, err := exec.CommandContext(ctx, node(), "--version").Output()
	if err != nil {
		return fmt.Errorf("%s: %w", need, err)
	}
	major, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(string(out)), "v"), ".")
	if n, err := strconv.Atoi(major); err != nil || n < 20 {
		return fmt.Errorf("%s: this is %s", need, cmp.Or(strings.TrimSpace(string(out)), "none"))
	}
	if _, err := exec.LookPath("npm"); err != nil {
		return fmt.Errorf("%s: %w", need, err)
	}
	return nil
}

// source finds testdata/idp from the folder of whichever package is tested.
func source() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return filepath.Join(dir, "testdata", "idp"), nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", errors.New("no go.mod above this test")
		}
		dir = up
	}
}
