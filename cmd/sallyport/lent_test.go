package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/connectors/ssh/sshdtest"
	"github.com/sallyport/sallyport/server/termtest"
)

// A host may use a person's SSH agent and display where a rule says so, by the stock
// client and a real sshd; elsewhere the person is told why not, and the shell works.
func TestLent(t *testing.T) {
	s := sshdtest.StartWith(t, func(dir string) string {
		return "X11Forwarding yes\nX11DisplayOffset 60\nXAuthLocation /usr/bin/xauth\nSetEnv XAUTHORITY=" + filepath.Join(dir, "xauth") + "\n"
	})
	dir := t.TempDir()
	key := filepath.Join(dir, "key")
	if err := os.WriteFile(key, []byte(s.PrivateKey), 0o600); err != nil {
		t.Fatal(err)
	}
	b := startBastion(t)
	b.reach(t, s, key, "")
	agent := startAgent(t, dir)
	print, onward := agentKey(t, b, agent, s)

	t.Run("refused", func(t *testing.T) {
		r := b.lending(agent, "exec", "web-1", "--", "echo it goes on; env").must(t, 0)
		r.has(t, "it goes on").lacks(t, "SSH_AUTH_SOCK")
		if !strings.Contains(r.err, "your agent's keys stay with you: no rule says agent_forwarding: true for you") {
			t.Errorf("stderr: %s", r.err)
		}
	})
	b.lets(t)
	t.Run("refused elsewhere", func(t *testing.T) {
		r := b.lending(agent, "exec", "demo-host", "--", "echo it goes on; echo [$SSH_AUTH_SOCK]").must(t, 0).has(t, "it goes on", "[]")
		if !strings.Contains(r.err, "rule engineering-hosts/work does not say agent_forwarding: true") {
			t.Errorf("stderr: %s", r.err)
		}
	})
	t.Run("not offered", func(t *testing.T) {
		b.ssh("alice", "exec", "web-1", "--", "echo [$SSH_AUTH_SOCK]").must(t, 0).has(t, "[]")
	})
	t.Run("agent", func(t *testing.T) { lentAgent(t, b, agent, print, onward) })
	t.Run("display", func(t *testing.T) { lentDisplay(t, b, s, dir) })
}

// lets lets web-1 use what engineers offer.
func (b *testBastion) lets(t *testing.T) {
	t.Helper()
	file := filepath.Join(b.data, "demo.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(text), "\nroles:\n", "\nroles:\n  - name: lenders\n    groups: [engineering]\n    resources: {names: [web-1]}\n    rules:\n"+
		"      - {name: lent, allow: [exec, unknown, shell], agent_forwarding: true, x11_forwarding: true}\n", 1)
	if err := errors.Join(os.WriteFile(file+".new", []byte(changed), 0o600), os.Rename(file+".new", file)); err != nil {
		t.Fatal(err)
	}
	b.eventually("the rules are others", func() bool {
		return strings.Contains(b.ssh("alice", "why", "web-1", quote("true")).out, "lenders/lent")
	})
}

// startAgent starts an ssh-agent, and returns its socket.
func startAgent(t *testing.T, dir string) string {
	t.Helper()
	socket := filepath.Join(dir, "agent")
	cmd := exec.Command("ssh-agent", "-D", "-a", socket)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil { // it listens when it says so
		t.Fatal(err)
	}
	return socket
}

// agentKey puts a key into the agent that signs in at the host, too, and returns its
// fingerprint and how one signs in there from a target.
func agentKey(t *testing.T, b *testBastion, agent string, s *sshdtest.Server) (print, onward string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "id")
	run := func(name string, args ...string) string {
		cmd := exec.Command(name, args...)
		cmd.Env = append(os.Environ(), "SSH_AUTH_SOCK="+agent)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v: %s", name, err, out)
		}
		return string(out)
	}
	run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "alice's own \x1b[31mkey", "-f", file)
	run("ssh-add", file)
	public, err := os.ReadFile(file + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(filepath.Join(s.Dir, "authorized_keys"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.Write(public)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	host, port, _ := net.SplitHostPort(s.Address)
	onward = fmt.Sprintf("ssh -F none -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR -p %s %s@%s", port, s.User, host)
	return strings.Fields(run("ssh-keygen", "-l", "-f", file))[1], onward
}

// lending is ssh with the agent offered.
func (b *testBastion) lending(agent string, words ...string) result {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	args := append([]string{"-A", "-o", "IdentityAgent=" + agent}, b.sshArgs("alice")...)
	args = append(args, "-T", "127.0.0.1")
	cmd := exec.CommandContext(ctx, "ssh", append(args, words...)...)
	cmd.Env = append(os.Environ(), "SSH_AUTH_SOCK="+agent)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		b.t.Fatal(err)
	}
	return result{out.String(), errs.String(), cmd.ProcessState.ExitCode()}
}

// lentAgent lists its keys on the target, signs in from there, and cannot do more.
func lentAgent(t *testing.T, b *testBastion, agent, print, onward string) {
	r := b.lending(agent, "exec", "web-1", "--", "'ssh-add -l; ssh-add -D; ssh-add -x </dev/null; ssh-keygen -q -t ed25519 -N \"\" -f "+t.TempDir()+"/k; "+onward+" echo one hop on'")
	r.must(t, 0).has(t, print, "one hop on")
	if strings.Contains(r.err, "All identities removed") {
		t.Errorf("keys of the agent were removed: %s", r.err)
	}
	list := exec.Command("ssh-add", "-l")
	list.Env = append(os.Environ(), "SSH_AUTH_SOCK="+agent)
	if out, err := list.CombinedOutput(); err != nil || !strings.Contains(string(out), print) {
		t.Errorf("the agent has %q, %v", out, err)
	}
	record := b.ssh("alice", "replay", b.newest(t, "web-1"), "--export", "text").must(t, 0)
	record.has(t, "the target opened a way to the requester's SSH agent", "agent: asked which keys there are", print, `alice's own`, "agent: asked to sign a sign-in as", "agent: refused: to remove all keys")
	record.lacks(t, "\x1b")

	// In a shell, and ended with it.
	args := append([]string{"-A", "-o", "IdentityAgent=" + agent}, b.sshArgs("alice")...)
	cmd := exec.Command("ssh", append(args, "-tt", "127.0.0.1", "shell", "web-1")...)
	cmd.Env = append(os.Environ(), "SSH_AUTH_SOCK="+agent, "TERM=xterm-256color")
	shell := termtest.Start(t, cmd, 120, 30)
	shell.WaitFor("a prompt", func(text string) bool { return strings.ContainsAny(text, "#$") })
	shell.Type("ssh-add -l\r")
	shell.See(print)
	shell.Type("exit\r")
	if code := shell.Exit(); code != 0 {
		t.Errorf("the shell ended with %d", code)
	}
}

// newest is the last transcript on a resource.
func (b *testBastion) newest(t *testing.T, resource string) string {
	t.Helper()
	for _, line := range strings.Split(b.ssh("alice", "transcripts").must(t, 0).out, "\n") {
		if f := strings.Fields(line); len(f) > 1 && strings.Contains(line, resource) {
			return f[0]
		}
	}
	t.Fatalf("no transcript on %s", resource)
	return ""
}

// lentDisplay lets a program on the target ask a display here what it is.
func lentDisplay(t *testing.T, b *testBastion, s *sshdtest.Server, dir string) {
	for _, program := range []string{"Xvfb", "xauth", "xdpyinfo"} {
		if _, err := exec.LookPath(program); err != nil {
			if os.Getenv("CI") != "" {
				t.Fatalf("%s is not installed", program)
			}
			t.Skipf("SKIPPED: %s is not installed", program)
		}
	}
	const cookie = "00112233445566778899aabbccddeeff"
	authority := filepath.Join(dir, "Xauthority")
	number := startDisplay(t, authority, cookie)
	run := func(more []string, words ...string) result {
		args := append(more, b.sshArgs("alice")...)
		cmd := exec.Command("ssh", append(append(args, "-o", "ForwardX11Timeout=0", "-T", "127.0.0.1"), words...)...)
		cmd.Env = append(os.Environ(), "DISPLAY=:"+number, "XAUTHORITY="+authority)
		var out, errs bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &errs
		_ = cmd.Run() // the code is compared
		return result{out.String(), errs.String(), cmd.ProcessState.ExitCode()}
	}
	r := run([]string{"-Y"}, "exec", "web-1", "--", "'xdpyinfo | head -3; xauth list; DISPLAY=$DISPLAY XAUTHORITY=/nonexistent xdpyinfo'")
	r.has(t, "name of display", "version number").lacks(t, cookie)
	if !strings.Contains(r.out, "MIT-MAGIC-COOKIE-1") {
		t.Errorf("the target has no cookie of its own: %s", r.out)
	}
	record := b.ssh("alice", "replay", b.newest(t, "web-1"), "--export", "text").must(t, 0)
	record.has(t, "the target opened a way to the requester's X11 display", "X11: sent to the display", "did not show the cookie").lacks(t, cookie)

	r = run([]string{"-Y"}, "exec", "demo-host", "--", "echo it goes on").must(t, 0).has(t, "it goes on")
	if !strings.Contains(r.err, "does not say x11_forwarding: true") {
		t.Errorf("stderr: %s", r.err)
	}
}

// startDisplay starts a display that wants the cookie, and returns its number.
func startDisplay(t *testing.T, authority, cookie string) string {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := os.WriteFile(authority, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	auth := func(display string) {
		if out, err := exec.Command("xauth", "-q", "-f", authority, "add", display, "MIT-MAGIC-COOKIE-1", cookie).CombinedOutput(); err != nil {
			t.Fatalf("xauth: %v: %s", err, out)
		}
	}
	auth(":0") // one that a server reads at its start
	cmd := exec.Command("Xvfb", "-displayfd", "3", "-auth", authority, "-screen", "0", "640x480x8", "-nolisten", "tcp")
	cmd.ExtraFiles = []*os.File{w}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = w.Close()
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		t.Fatalf("Xvfb: %v", err)
	}
	number := strings.TrimSpace(line)
	auth(":" + number)
	return number
}
