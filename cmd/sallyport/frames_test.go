package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/connectors/ssh/sshdtest"
	"github.com/sallyport/sallyport/server/termtest"
)

// frame is what is pressed, and what shows then on both screens: what the program shows,
// not what was typed to start it, for what is pressed before it reads is echoed.
type frame struct {
	keys []string
	see  string
}

// programs draw the whole terminal; each step ends at rest.
var programs = map[string][]frame{
	"vim": {
		{[]string{"vim -n -u NONE -N poem.txt", "enter"}, "verse ac of the poem"},
		{[]string{":set ruler", "enter"}, "1,1"},
		{[]string{"G"}, "verse ln of the poem"},
		{[]string{"g", "g", "i", "brücke → 橋 ", "esc"}, "brücke → 橋"},
		{[]string{":split", "enter"}, "poem.txt [+]"},
		{[]string{"/verse cy ", "enter"}, "verse cy of"},
		{[]string{":q!", "enter", ":q!", "enter"}, "ready>"},
	},
	// Lines that differ in their numbers alone: only digits are drawn anew, here one and
	// there one.
	"vim with numbers": {
		{[]string{"vim -n -u NONE -N table.txt", "enter"}, "same row"},
		{[]string{":set number ruler hlsearch numberwidth=9", "enter"}, "  1 the same row"},
		{[]string{"/mark a", "enter"}, " mark a"},
		{[]string{"/mark b", "enter", "z", "t"}, " mark b"},
		{[]string{"/mark c", "enter", "z", "t"}, " mark c"},
		{[]string{"/mark d", "enter", "z", "t"}, " mark d"},
		{[]string{"/mark e", "enter", "z", "t"}, " mark e"},
		{[]string{"/mark f", "enter", "z", "t"}, " mark f"},
		{[]string{"/mark g", "enter", "z", "t"}, " mark g"},
		{[]string{":set relativenumber", "enter"}, " the same row"},
		{[]string{"8", "j", "5", "k", "G", "g", "g"}, "1 the same row"},
		{[]string{":q!", "enter"}, "ready>"},
	},
	"less on a log": {
		{[]string{"less app.log", "enter"}, "10:00:00"},
		{[]string{" ", "j", "j", "k"}, ":"},
		{[]string{"/:01:17", "enter"}, "10:01:17"},
		{[]string{"n"}, "10:01:17"},
		{[]string{"-N", "enter"}, ":"},
		{[]string{"G"}, "(END)"},
		{[]string{"y", "y", "y"}, ":"},
		{[]string{"q"}, "ready>"},
	},
	"less": {
		{[]string{"less poem.txt", "enter"}, "verse aa of"},
		{[]string{" "}, ":"},
		{[]string{"/verse ic ", "enter"}, "verse ic of the poem"},
		{[]string{"G"}, "(END)"},
		{[]string{"g"}, "verse aa of"},
		{[]string{"q"}, "ready>"},
	},
	"htop": {
		{[]string{"htop -d 100 -p $$", "enter", "h"}, "Memory bar:"},
		{[]string{" ", "q"}, "ready>"},
	},
	// What it tells of a machine is never twice the same: this shows a dozen that sleep,
	// and no meters.
	"htop with numbers": {
		{[]string{"sh some.sh", "enter", "#"}, "PID USER"},
		{[]string{"down", "down", "up"}, "PID USER"},
		{[]string{"I"}, "PID USER"},
		{[]string{"q"}, "ready>"},
	},
}

// jumps moves an editor's window by tens, so that one digit of each line's number is
// drawn anew.
func jumps() []frame {
	var all []frame
	for i, line := range []int{21, 51, 31, 61, 23, 53, 33, 63, 25, 45, 55, 35, 122, 142, 152, 162, 124, 144, 154} {
		all = append(all, frame{[]string{fmt.Sprintf(":%d|normal! zt", line), "enter"}, fmt.Sprintf("%d the same row", line+i%2)})
	}
	return all
}

// A program on a host draws through the gate what it draws without it.
func TestFrames(t *testing.T) {
	s := sshdtest.Start(t)
	dir := t.TempDir()
	key := filepath.Join(dir, "key")
	var poem strings.Builder
	for i := range 300 {
		// Letters: a program that draws anew only what differs writes digits of many
		// lines one after the other, and detectors may take them for a number.
		fmt.Fprintf(&poem, "verse %c%c of the poem\t%s\n", 'a'+i/26, 'a'+i%26, strings.Repeat("~", i%70))
	}
	var table, log strings.Builder
	for i := range 300 {
		line := "the same row"
		if i%40 == 37 {
			line = fmt.Sprintf("mark %c", 'a'+i/40)
		}
		fmt.Fprintln(&table, line)
		fmt.Fprintf(&log, "2026-11-23T10:%02d:%02d.%06dZ INFO [worker-%d] bytes=%d took=%dms\n", i/60, i%60, i*3331%1000000, i%16, i*977, i)
	}
	var sleeping []string
	for range 12 {
		c := exec.Command("sleep", "3600")
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = c.Process.Kill()
			_ = c.Wait()
		})
		sleeping = append(sleeping, fmt.Sprint(c.Process.Pid))
	}
	for name, text := range map[string]string{"key": s.PrivateKey, "poem.txt": poem.String(), "table.txt": table.String(), "app.log": log.String(),
		"some.sh": "exec htop -d 900 -p " + strings.Join(sleeping, ",")} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b := startBastion(t, "--later", "orders-db,orders-maria")
	b.reach(t, s, key, "")
	b.detects(t)
	host, port, _ := strings.Cut(s.Address, ":")
	for _, size := range [][2]int{{80, 24}, {132, 43}, {61, 19}} {
		direct := termtest.Start(t, exec.Command("ssh", "-F", "none", "-tt", "-p", port, "-i", key, "-o", "IdentitiesOnly=yes", "-o", "StrictHostKeyChecking=no",
			"-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", s.User+"@"+host), size[0], size[1])
		through := b.screen("alice", size[0], size[1], "shell", "web-1")
		for _, screen := range []*termtest.Screen{direct, through} {
			screen.Type("cd " + dir + "; exec env -i HOME=$PWD TERM=xterm-256color LANG=C.UTF-8 PATH=$PATH PS1='ready> ' sh")
			screen.Press("enter")
			screen.WaitFor("a prompt", func(text string) bool { return strings.Contains(text, "\nready>") })
			screen.Type("clear")
			screen.Press("enter")
			screen.WaitFor("a clear screen", func(text string) bool { return strings.TrimSpace(text) == "ready>" })
		}
		for name, steps := range programs {
			if _, err := exec.LookPath(strings.Fields(name)[0]); err != nil && os.Getenv("CI") == "" {
				t.Logf("SKIPPED: %s is not installed", name)
				continue
			}
			if strings.HasSuffix(name, "numbers") && strings.HasPrefix(name, "vim") {
				steps = slices.Insert(slices.Clone(steps), 2, jumps()...)
			}
			for i, f := range steps {
				same(t, fmt.Sprintf("%s at %dx%d, step %d", name, size[0], size[1], i), f, direct, through)
			}
		}
		direct.Kill()
		through.Kill()
	}
}

// same presses the keys on both screens and waits until both show what they should,
// alike.
func same(t *testing.T, where string, f frame, direct, through *termtest.Screen) {
	t.Helper()
	for _, screen := range []*termtest.Screen{direct, through} {
		for _, k := range f.keys {
			if len(k) > 1 && strings.ContainsAny(k, " :/") {
				screen.Type(k)
			} else {
				screen.Press(k)
			}
		}
	}
	deadline := time.Now().Add(patience)
	for {
		want, got := direct.Text(), through.Text()
		if want == got && strings.Contains(want, f.see) {
			if want, got = direct.Styled(), through.Styled(); want == got {
				return
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %q should show on both (-direct +through the gate):\n%s\n%s", where, f.see, cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n")), want)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// detects lets the demo look for everything that its detectors find by itself.
func (b *testBastion) detects(t *testing.T) {
	t.Helper()
	file := filepath.Join(b.data, "demo.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(text), "detect: [card, email, ssn]", "detect: [card, email, ssn, phone, iban]", 1)
	if changed == string(text) {
		t.Fatal("the demo has other detectors")
	}
	if err := os.WriteFile(file+".new", []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		t.Fatal(err)
	}
	b.eventually("the detectors look for more", func() bool {
		return strings.Contains(b.ssh("alice", "exec", "web-1", "--", "echo", "+44 20 7946 0349").out, "[phone]")
	})
}

// reach gives the demo a host, and alice a shell and forwards there; more are fields of
// the host's.
func (b *testBastion) reach(t *testing.T, s *sshdtest.Server, key, more string) {
	t.Helper()
	b.signIn("alice")
	file := filepath.Join(b.data, "demo.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(text), "\nresources:\n", fmt.Sprintf("\nresources:\n  - {name: web-1, kind: ssh, address: %q, user: %s, private_key: {file: %s}, host_keys: [%q]%s}\n",
		s.Address, s.User, key, s.HostKey, more), 1)
	changed = strings.Replace(changed, "names: [demo-host]", "names: [demo-host, web-1]", 1)
	changed = strings.Replace(changed, "      - name: work\n", "      - {name: forwards, allow: [forward], binary: true}\n      - name: work\n", 1)
	if err := os.WriteFile(file+".new", []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		t.Fatal(err)
	}
	b.eventually("the configuration is read anew", func() bool { return b.ssh("alice", "ls").must(t, 0).contains("web-1") })
}
