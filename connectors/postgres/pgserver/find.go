package pgserver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ErrNotFound: there are no PostgreSQL server programs on this machine.
var ErrNotFound = errors.New("no PostgreSQL server programs found (initdb and postgres, in PATH or /usr/lib/postgresql/*/bin)")

// programs is a folder whose initdb and postgres belong together and run.
type programs struct {
	dir     string
	version string
}

func (p programs) initdb() string   { return filepath.Join(p.dir, "initdb") }
func (p programs) postgres() string { return filepath.Join(p.dir, "postgres") }

// find returns the newest programs there are.
func find(ctx context.Context) (programs, error) {
	var found []programs
	for _, dir := range candidates() {
		if p, err := check(ctx, dir); err == nil {
			found = append(found, p)
		}
	}
	if len(found) == 0 {
		return programs{}, ErrNotFound
	}
	return slices.MaxFunc(found, func(a, b programs) int {
		return slices.Compare(numbers(a.version), numbers(b.version))
	}), nil
}

// candidates are folders that may hold the programs. A link in PATH, as
// distributions and people put there, is followed to where its kin are.
func candidates() []string {
	var dirs []string
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		if !filepath.IsAbs(dir) {
			continue
		}
		if real, err := filepath.EvalSymlinks(filepath.Join(dir, "postgres")); err == nil {
			dirs = append(dirs, filepath.Dir(real))
		}
	}
	for _, pattern := range []string{"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/usr/local/pgsql/bin", "/opt/homebrew/opt/postgresql*/bin"} {
		more, err := filepath.Glob(pattern)
		if err == nil {
			dirs = append(dirs, more...)
		}
	}
	slices.Sort(dirs)
	return slices.Compact(dirs)
}

// check runs both programs and compares what they say they are.
func check(ctx context.Context, dir string) (programs, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	version := func(name string) (string, error) {
		out, err := exec.CommandContext(ctx, filepath.Join(dir, name), "--version").Output()
		if err != nil {
			return "", fmt.Errorf("%s --version: %w", name, err)
		}
		_, v, ok := strings.Cut(string(out), "(PostgreSQL) ")
		if !ok {
			return "", fmt.Errorf("%s says %q", name, out)
		}
		return strings.TrimSpace(v), nil
	}
	a, err := version("postgres")
	if err != nil {
		return programs{}, err
	}
	b, err := version("initdb")
	if err != nil {
		return programs{}, err
	}
	if a != b {
		return programs{}, fmt.Errorf("%s: postgres is %s, initdb %s", dir, a, b)
	}
	return programs{dir, a}, nil
}

// numbers are the leading numbers of a version: 15.18 (Debian ...).
func numbers(version string) []int {
	var out []int
	first, _, _ := strings.Cut(version, " ")
	for part := range strings.SplitSeq(first, ".") {
		n, err := strconv.Atoi(part)
		if err != nil {
			break
		}
		out = append(out, n)
	}
	return out
}
