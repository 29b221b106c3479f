package redis

import (
	"bytes"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestSplitAsClient compares what is read of a line with what redis-cli reads, for made
// lines of characters that mean something. Where the client takes a line and split does
// not, split is stricter, which is fine; where both do, they must agree.
func TestSplitAsClient(t *testing.T) {
	s := server(t)
	client, err := exec.LookPath("redis-cli")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skipf("SKIPPED, there is no redis-cli to compare with: %v", err)
	}
	const mark = "<<>>"
	r := rand.New(rand.NewPCG(3, 4))
	alphabet := []string{"a", "b", " ", "\t", `"`, `"`, "'", `\`, `\x41`, `\x0`, `\n`, `\"`, `\'`, ";", "é", "0"}
	lines := []string{`"a b"`, `'a\'b'`, `"\x00\xff"`, `a"b"`, `a"b"c`, `""`, `'a`, `"\q"`, `'\n'`, `a;b`}
	for range 400 {
		var b strings.Builder
		for range 1 + r.IntN(8) {
			b.WriteString(alphabet[r.IntN(len(alphabet))])
		}
		lines = append(lines, b.String())
	}
	var input bytes.Buffer
	for _, l := range lines {
		input.WriteString("ECHO " + l + "\nECHO " + mark + "\n")
	}
	cmd := exec.CommandContext(t.Context(), client, "-s", s.Socket())
	cmd.Env = append(os.Environ(), "REDISCLI_AUTH="+s.Password())
	cmd.Stdin = &input
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	answers := strings.Split(string(out), mark+"\n")
	if len(answers) != len(lines)+1 {
		t.Fatalf("%d answers to %d lines", len(answers)-1, len(lines))
	}
	agreed := 0
	for i, l := range lines {
		args, err := split("ECHO " + l)
		answer := strings.TrimRight(answers[i], "\n")
		switch {
		case err != nil || strings.HasSuffix(strings.TrimRight(l, " \t"), ";"):
			continue
		case strings.Contains(answer, "Invalid argument"):
			t.Errorf("%q: the client does not take it, and it is read as %q", l, args)
		case len(args) != 2:
			if !strings.Contains(answer, "wrong number") {
				t.Errorf("%q: %q, and the client says %q", l, args, answer)
			}
		case strings.TrimRight(args[1], "\n") != answer:
			t.Errorf("%q: %q, and the client reads %q", l, args[1], answer)
		default:
			agreed++
		}
	}
	if agreed < 50 {
		t.Errorf("only %d lines were compared", agreed)
	}
}
