package command

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
)

// TestMain makes the test binary its own child.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == ChildArgument {
		os.Exit(Child())
	}
	os.Exit(m.Run())
}

// shell is a declaration that takes any script, as no administrator should write it.
func shell() *connectors.Command {
	return &connectors.Command{Program: "/bin/sh", Args: []string{"-c", "{script}"}, Class: policy.Write, Stdin: true,
		Parameters: []connectors.Parameter{{Name: "script", Type: connectors.ParameterText, Longest: 10_000}}}
}

func script(text string) string { return Quote([]string{"script=" + text}) }

func TestSuite(t *testing.T) {
	dir := t.TempDir()
	pids, effects := filepath.Join(dir, "pids"), filepath.Join(dir, "effects")
	gone := *shell()
	gone.Program = filepath.Join(dir, "no-such-program")
	connectortest.Run(t, connectortest.Target{
		Driver:   New(Options{Grace: 200 * time.Millisecond}),
		Endpoint: connectors.Endpoint{Name: "runbook", Command: shell()},
		Secret:   "ru7abaga-quartz",
		Faults: []connectortest.Fault{
			{Name: "no program", Endpoint: connectors.Endpoint{Name: "runbook", Command: &gone}, Want: connectors.ErrUnreachable},
			{Name: "no declaration", Endpoint: connectors.Endpoint{Name: "runbook"}, Want: connectors.ErrUnreachable},
			{Name: "no user", Endpoint: connectors.Endpoint{Name: "runbook", User: "nobody-of-that-name", Command: shell()}, Want: connectors.ErrCredential},
		},
		Active: func(t testing.TB) int { return running1(t, pids) },
		Cannot: map[connectortest.Property]string{
			connectortest.WrongPassword: "a program is started as a user of this machine, without a password",
			connectortest.Vanished:      "a program of this machine has no connection that could end; how it ended is its exit status",
			connectortest.SlowSignIn:    "nobody has to answer before a program is started",
			connectortest.Oversized:     "a program's output has no messages",
			connectortest.Malformed:     "a program's output has no form that it could break",
		},
		Host: &connectortest.Host{
			Command: script(`printf "to out\n"; printf "to err\n" >&2; exit 3`), Stdout: "to out\n", Stderr: "to err\n", Exit: connectors.Exit{Code: 3},
			Text: func(command string) string {
				argv, err := Plan(shell(), command)
				if err != nil {
					t.Fatal(err)
				}
				return Quote(argv)
			},
			Cat:     script("cat"),
			Effect:  script("echo x >> " + effects),
			Observe: func(t testing.TB) string { return contents(t, effects) },
			Slow:    script("echo $$ >> " + pids + "; while true; do sleep 1; done"),
			Flood:   func(n int) string { return script("head -c " + strconv.Itoa(n) + " /dev/zero") },
		},
	})
}

func contents(t testing.TB, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return string(b)
}

// running1 counts the processes that live of those whose numbers are in the file.
func running1(t testing.TB, file string) int {
	t.Helper()
	n := 0
	for _, f := range strings.Fields(contents(t, file)) {
		if pid, err := strconv.Atoi(f); err == nil && syscall.Kill(pid, 0) == nil {
			n++
		}
	}
	return n
}

func restart() *connectors.Command {
	return &connectors.Command{
		Program: "/usr/bin/systemctl", Args: []string{"restart", "{force}", "shop-{region}@{count}.service", "--message={why}", "{note}"}, Class: policy.Write,
		Parameters: []connectors.Parameter{
			{Name: "region", Type: connectors.ParameterChoice, Choices: []string{"eu", "us"}},
			{Name: "count", Type: connectors.ParameterInteger, Min: 1, Max: 10, Default: "1"},
			{Name: "why", Type: connectors.ParameterText, Pattern: "[A-Z]+-[0-9]+", Optional: true},
			{Name: "note", Type: connectors.ParameterText, Optional: true, Longest: 20},
			{Name: "force", Type: connectors.ParameterSwitch, Choices: []string{"--force"}},
		},
	}
}

func TestPlan(t *testing.T) {
	for command, want := range map[string]string{
		"region=eu":                            "/usr/bin/systemctl restart shop-eu@1.service",
		"region=us count=10 force":             "/usr/bin/systemctl restart --force shop-us@10.service",
		"region=us force=off":                  "/usr/bin/systemctl restart shop-us@1.service",
		"force=on region=eu why=OPS-12":        "/usr/bin/systemctl restart --force shop-eu@1.service '--message=OPS-12'",
		"region=eu note='two words'":           "/usr/bin/systemctl restart shop-eu@1.service 'two words'",
		"region=eu note='; rm -rf / #'":        "/usr/bin/systemctl restart shop-eu@1.service '; rm -rf / #'",
		"region=eu note='{region}'":            "/usr/bin/systemctl restart shop-eu@1.service '{region}'",
		"region=eu note='$(id)'":               "/usr/bin/systemctl restart shop-eu@1.service '$(id)'",
		"":                                     "error: region needs a value",
		"region=fr":                            "error: region is one of eu, us",
		"region=eu count=11":                   "error: count is a whole number from 1 to 10",
		"region=eu count=01":                   "error: count is a whole number",
		"region=eu count=1e1":                  "error: count is a whole number",
		"region=eu region=us":                  "error: region is given twice",
		"region=eu why=OPS-12x":                "error: why does not match",
		"region=eu why='OPS-12 --now'":         "error: why does not match",
		"region=eu note=--now":                 "error: note begins with a dash",
		"region=eu note=$HOME":                 "/usr/bin/systemctl restart shop-eu@1.service '$HOME'",
		"region=eu note=$(id)":                 "/usr/bin/systemctl restart shop-eu@1.service '$(id)'",
		`region=eu note=a\ "b\c\"d"'e'`:        `/usr/bin/systemctl restart shop-eu@1.service 'a b\c"de'`,
		"region=eu; reboot":                    `error: there is no parameter "reboot"`,
		"region=eu > /etc/passwd":              `error: there is no parameter ">"`,
		"region=eu *":                          `error: there is no parameter "*"`,
		"region=eu note='x":                    "error: the parameters cannot be read",
		`region=eu note=x\`:                    "error: the parameters cannot be read",
		"region=eu other=1":                    `error: there is no parameter "other"`,
		"region":                               "error: region needs a value",
		"region=eu note='a\tb'":                "error: note has characters",
		"region=eu note=aaaaaaaaaaaaaaaaaaaaa": "error: note is longer than 20 bytes",
		"region=eu force=maybe":                "error: force is on or off",
	} {
		got := ""
		argv, err := Plan(restart(), command)
		if err != nil {
			var refusal *policy.Refusal
			if !errors.As(err, &refusal) || refusal.Rule != "declaration" {
				t.Errorf("%s: %v", command, err)
			}
			got = "error: " + refusal.Reason
		} else {
			got = Quote(argv)
		}
		if got != want && !(strings.HasPrefix(want, "error: ") && strings.HasPrefix(got, want)) {
			t.Errorf("%s\n got %s\nwant %s", command, got, want)
		}
	}
}

// Whatever is typed, the program gets its own words and whole values, and a shell
// would read what people approved as the same words.
func FuzzPlan(f *testing.F) {
	for _, s := range []string{"region=eu note='a b'", "region=us why=A-1 force", "region=eu note=\"'\"", "region=eu note=$'\\x41'"} {
		f.Add(s)
	}
	shape := regexp.MustCompile(`^shop-(eu|us)@([1-9]|10)\.service$`)
	f.Fuzz(func(t *testing.T, command string) {
		argv, err := Plan(restart(), command)
		if err != nil {
			return
		}
		if argv[0] != "/usr/bin/systemctl" || argv[1] != "restart" || len(argv) > 6 || !slices.ContainsFunc(argv, shape.MatchString) {
			t.Fatalf("%q becomes %q", command, argv)
		}
		for _, a := range argv[1:] {
			if strings.HasPrefix(a, "-") && a != "--force" && !regexp.MustCompile(`^--message=[A-Z]+-[0-9]+$`).MatchString(a) {
				t.Fatalf("%q becomes an option: %q", command, argv)
			}
		}
		text := Quote(argv)
		if strings.ContainsAny(text, "\n\r\x1b") {
			t.Fatalf("%q shows %q", command, text)
		}
		out, err := exec.Command("/bin/sh", "-c", "for a in "+text+"; do printf '%s\\n' \"$a\"; done").Output()
		if err != nil || string(out) != strings.Join(argv, "\n")+"\n" {
			t.Fatalf("%q: a shell reads %q of %q: %v", command, out, argv, err)
		}
	})
}

// run runs a script and returns what it wrote.
func run(t *testing.T, e connectors.Endpoint, secret, command string) (string, string, error) {
	t.Helper()
	c, err := New(Options{}).Open(t.Context(), e, mask.NewSecret([]byte(secret)), &connectortest.Guard{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var out, errs bytes.Buffer
	_, err = c.(connectors.Executor).Exec(t.Context(), &connectortest.Guard{}, command, connectors.Stdio{Out: &out, Err: &errs})
	return out.String(), errs.String(), err
}

// What a program finds around it is what the declaration says, and nothing of the
// bastion's.
func TestSurroundings(t *testing.T) {
	t.Setenv("SALLYPORT_CANARY", "qu0kka-7781")
	// What this process was started with, or a library forgot to close.
	if err := syscall.Dup2(int(os.Stdout.Fd()), 77); err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(77)
	dir := t.TempDir()
	c := shell()
	c.Directory, c.Environment = dir, []string{"SHOP=eu", "PATH=/bin:/usr/bin"}
	c.Bounds = connectors.CommandBounds{CPU: 7 * time.Second, Files: 33, FileSize: 1 << 20, Memory: 1 << 30}
	e := connectors.Endpoint{Name: "runbook", Command: c}
	const what = `env | sort; pwd; umask; ulimit -c; ulimit -t; ulimit -n; ulimit -v; cat <&3; echo; ps -o pgid= -p $$ | tr -d " "; ps -o sid= -p $$ | tr -d " "; echo $$; ls /proc/self/fd`
	out, errs, err := run(t, e, "s3cret-on-three", script(what))
	if err != nil {
		t.Fatal(err, errs)
	}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	var env []string
	for len(lines) > 0 && strings.Contains(lines[0], "=") {
		name, _, _ := strings.Cut(lines[0], "=")
		env, lines = append(env, name), lines[1:]
	}
	if got := strings.Join(env, " "); got != "HOME LANG PATH PWD SHOP USER" && got != "HOME LANG OLDPWD PATH PWD SHOP USER" {
		t.Errorf("environment %s", got)
	}
	want := []string{dir, "0077", "0", "7", "33", "1048576"}
	if len(lines) < 10 || !slices.Equal(lines[:6], want) {
		t.Fatalf("%q, want %q first", lines, want)
	}
	if lines[6] != "s3cret-on-three" {
		t.Errorf("descriptor 3 holds %q", lines[6])
	}
	// In the bastion's session it could type on a terminal that the bastion was started on.
	if lines[7] != lines[9] || lines[8] != lines[9] {
		t.Errorf("it is in the group %s and the session %s, not its own %s", lines[7], lines[8], lines[9])
	}
	if fds := lines[10:]; !slices.Equal(fds, []string{"0", "1", "2", "3", "4"}) { // 4 is ls's own
		t.Errorf("open are %q", fds)
	}
	if strings.Contains(out, "qu0kka") {
		t.Error("the bastion's environment shows")
	}
}

// Where there is no secret and no declared input, descriptors 0 and 3 hold nothing.
func TestNothingToRead(t *testing.T) {
	c := shell()
	c.Stdin = false
	out, _, err := run(t, connectors.Endpoint{Name: "runbook", Command: c}, "", script("cat; cat <&3 2>/dev/null; echo done"))
	if err != nil || out != "done\n" {
		t.Errorf("%q, %v", out, err)
	}
}

func TestAnotherUser(t *testing.T) {
	e := connectors.Endpoint{Name: "runbook", User: "nobody", Command: shell()}
	if os.Geteuid() != 0 {
		if _, err := New(Options{}).Open(t.Context(), e, mask.Secret{}, &connectortest.Guard{}); !errors.Is(err, connectors.ErrCredential) {
			t.Errorf("%v", err)
		}
		return
	}
	// The test binary is in a directory that nobody else can enter.
	out, errs, err := run(t, e, "", script("id -un; id -Gn; cat /etc/shadow || echo refused"))
	if err != nil || !strings.HasPrefix(out, "nobody\n") || !strings.HasSuffix(out, "refused\n") {
		t.Errorf("%q, %q, %v", out, errs, err)
	}
}

// What it started must not outlive it, nor hold its output open.
func TestChildrenEnd(t *testing.T) {
	pids := filepath.Join(t.TempDir(), "pids")
	out, _, err := run(t, connectors.Endpoint{Name: "runbook", Command: shell()}, "", script("sleep 1000 & echo $! >> "+pids+"; echo over"))
	if err != nil || out != "over\n" {
		t.Errorf("%q, %v", out, err)
	}
	deadline := time.Now().Add(30 * time.Second)
	for alive(t, pids) > 0 {
		if time.Now().After(deadline) {
			t.Fatal("its child lives")
		}
		time.Sleep(time.Millisecond)
	}
}

// alive counts processes that run: not those that only wait to be reaped.
func alive(t testing.TB, file string) (n int) {
	t.Helper()
	for _, f := range strings.Fields(contents(t, file)) {
		stat, err := os.ReadFile("/proc/" + f + "/stat")
		if err == nil && !strings.Contains(string(stat), ") Z ") {
			n++
		}
	}
	return n
}

// One that does not listen is made to end, and a process that left its group cannot
// hold the requester up.
func TestStubborn(t *testing.T) {
	pids := filepath.Join(t.TempDir(), "pids")
	c, err := New(Options{Grace: 100 * time.Millisecond}).Open(t.Context(), connectors.Endpoint{Name: "runbook", Command: shell()}, mask.Secret{}, &connectortest.Guard{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		_, err := c.(connectors.Executor).Exec(ctx, &connectortest.Guard{}, script("trap '' TERM; echo $$ >> "+pids+"; while true; do sleep 1; done"), connectors.Stdio{Out: &bytes.Buffer{}, Err: &bytes.Buffer{}})
		ended <- err
	}()
	for contents(t, pids) == "" {
		time.Sleep(time.Millisecond)
	}
	cancel()
	if err := <-ended; !errors.Is(err, connectors.ErrCanceled) {
		t.Errorf("%v", err)
	}
	if alive(t, pids) > 0 {
		t.Error("it lives")
	}
	var out bytes.Buffer
	if _, err := c.(connectors.Executor).Exec(t.Context(), &connectortest.Guard{}, script("setsid sleep 3 & echo left"), connectors.Stdio{Out: &out, Err: &bytes.Buffer{}}); err != nil || out.String() != "left\n" {
		t.Errorf("%q, %v", out.String(), err)
	}
}

func TestCannotBeRun(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "text")
	if err := os.WriteFile(text, []byte("no program"), 0o755); err != nil {
		t.Fatal(err)
	}
	c := shell()
	c.Program = text
	_, _, err := run(t, connectors.Endpoint{Name: "runbook", Command: c}, "", script("true"))
	var said *connectors.TargetError
	if !errors.As(err, &said) || !strings.Contains(err.Error(), "cannot be run") {
		t.Errorf("no program: %v", err)
	}
	c = shell()
	c.Directory = filepath.Join(dir, "gone")
	if _, _, err := run(t, connectors.Endpoint{Name: "runbook", Command: c}, "", script("true")); !errors.As(err, &said) || !strings.Contains(err.Error(), "directory") {
		t.Errorf("no directory: %v", err)
	}
	if err := os.Chmod(text, 0o777); err != nil {
		t.Fatal(err)
	}
	c = shell()
	c.Program = text
	if _, err := New(Options{}).Open(t.Context(), connectors.Endpoint{Command: c}, mask.Secret{}, &connectortest.Guard{}); !errors.Is(err, connectors.ErrUnreachable) {
		t.Errorf("anybody can write it: %v", err)
	}
}

// A session that ends while people are asked runs nothing afterwards, and its secret
// is gone.
func TestClosedWhileAsked(t *testing.T) {
	effects := filepath.Join(t.TempDir(), "effects")
	c, err := New(Options{}).Open(t.Context(), connectors.Endpoint{Name: "runbook", Command: shell()}, mask.NewSecret([]byte("s3cret")), &connectortest.Guard{})
	if err != nil {
		t.Fatal(err)
	}
	g := &connectortest.Guard{OnCheck: func(connectors.Operation) { _ = c.Close() }}
	_, err = c.(connectors.Executor).Exec(t.Context(), g, script("echo x >> "+effects), connectors.Stdio{Out: &bytes.Buffer{}, Err: &bytes.Buffer{}})
	if !errors.Is(err, connectors.ErrCanceled) || contents(t, effects) != "" {
		t.Errorf("%v, and it did %q", err, contents(t, effects))
	}
	if o := g.Permits()[0].Outcomes(); len(o) != 1 || o[0].Err == nil {
		t.Errorf("recorded %+v", o)
	}
}

// An option whose value is left out takes what stands behind it for its value: the
// word that was a file's name became the host that the file is sent to.
func TestAnOptionDoesNotTakeTheNextValue(t *testing.T) {
	c := &connectors.Command{Program: "/usr/bin/tool", Args: []string{"--to", "{host}", "{file}", "-v", "{more}"}, Class: policy.Write,
		Parameters: []connectors.Parameter{
			{Name: "host", Type: connectors.ParameterText, Pattern: "web-[0-9]+", Optional: true},
			{Name: "file", Type: connectors.ParameterText},
			{Name: "more", Type: connectors.ParameterText, Optional: true},
		}}
	var refused *policy.Refusal
	if argv, err := Plan(c, "file=evil.example"); !errors.As(err, &refused) {
		t.Errorf("%q, %v", argv, err)
	}
	if argv, err := Plan(c, "host=web-1 file=x"); err != nil || !slices.Equal(argv, []string{"/usr/bin/tool", "--to", "web-1", "x", "-v"}) {
		t.Errorf("%q, %v", argv, err) // nothing stands behind -v
	}
	for _, args := range [][]string{{"--to={host}", "{file}", "{more}"}, {"{host}", "{file}", "{more}"}, {"-v", "--", "{host}", "{file}", "{more}"}} {
		c.Args = args
		if argv, err := Plan(c, "file=x"); err != nil {
			t.Errorf("%q, %v", argv, err)
		}
	}
}
