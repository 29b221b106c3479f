package main

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/sallyport/sallyport/connectors/ssh/sshdtest"
)

// scriptSFTP runs the stock client of file transfer over a batch of commands, one a
// line of FILE; options stand before it. The batch ends at the first that fails.
func scriptSFTP(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: sftp PERSON CODE [option...] FILE")
	}
	b := theBastion(ts)
	file := ts.MkAbs(args[len(args)-1])
	words := slices.Concat(filesArgs(b, args[0]), args[2:len(args)-1], []string{"-b", file, "127.0.0.1"})
	check(ts, args[1], runClient(ts, "sftp", words))
}

// scriptSCP copies by the stock client; BASTION: stands for the bastion.
func scriptSCP(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 4 {
		ts.Fatalf("usage: scp PERSON CODE [option...] FROM TO")
	}
	words := filesArgs(theBastion(ts), args[0])
	for _, a := range args[2:] {
		words = append(words, strings.Replace(a, "BASTION:", "127.0.0.1:", 1))
	}
	check(ts, args[1], runClient(ts, "scp", words))
}

// filesArgs are ssh's for scp and sftp, to which -p is something else.
func filesArgs(b *testBastion, person string) []string {
	if person == "-" {
		person = ""
	}
	words := b.sshArgs(person)
	words[slices.Index(words, "-p")] = "-P"
	return words
}

func runClient(ts *testscript.TestScript, program string, words []string) result {
	cmd := exec.Command(program, words...)
	cmd.Dir = ts.MkAbs(".")
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); cmd.ProcessState == nil {
		ts.Fatalf("%s: %v", program, err)
	}
	return result{out.String(), errs.String(), cmd.ProcessState.ExitCode()}
}

// scriptSCPAsked copies while somebody else says yes to what that needs.
func scriptSCPAsked(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 5 {
		ts.Fatalf("usage: scpasked PERSON APPROVER CODE [option...] FROM TO")
	}
	b := theBastion(ts)
	done := make(chan struct{})
	go func() {
		defer close(done)
		b.ssh(args[1], "approve", waitingRequest(b.t, b))
	}()
	scriptSCP(ts, false, append([]string{args[0], args[2]}, args[3:]...))
	<-done
}

// scriptSSHD starts a real host.
func scriptSSHD(ts *testscript.TestScript, _ bool, _ []string) {
	s := sshdtest.Start(theBastion(ts).t)
	key := ts.MkAbs("sshd.key")
	ts.Check(os.WriteFile(key, []byte(s.PrivateKey), 0o600))
	for name, value := range map[string]string{"SSHD": s.Address, "SSHDUSER": s.User, "SSHDKEY": key, "HOSTKEY": s.HostKey} {
		ts.Setenv(name, value)
	}
}

// scriptMake makes a file of so many MiB of bytes that do not repeat.
func scriptMake(ts *testscript.TestScript, _ bool, args []string) {
	cmd := exec.Command("sh", "-c", fmt.Sprintf("head -c %sM /dev/zero | openssl enc -aes-128-ctr -pass pass:1 -nosalt -pbkdf2 >%s", args[1], args[0]))
	cmd.Dir = ts.MkAbs(".")
	if out, err := cmd.CombinedOutput(); err != nil {
		ts.Fatalf("make %s: %v: %s", args[0], err, out)
	}
}
