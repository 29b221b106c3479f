package main

import (
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/sallyport/sallyport/cmd/sallyport/demo"
	"github.com/sallyport/sallyport/server/termtest"
)

// TestScript runs the product's behaviour as told in testdata/script, one
// scenario a file. Beside testscript's own, the commands are:
//
//	bastion [flag...]         start a demo bastion; $PORT is its SSH port, $DATA its data
//	stop                      end it as an administrator would
//	signin PERSON             sign a person in on a terminal; the key is remembered
//	ssh PERSON CODE words...  run the stock client; it must end with CODE
//	                          (PERSON - has no key; stdin is the last `stdin`)
//	sshopt PERSON CODE [opt...] words...  the same with options of the client
//	terminal PERSON TERM W H [words...]  run the client on a terminal; see, type and
//	                          ended then wait for text, send a line, and wait for the end
//	keys NAME...              press keys on that terminal: by name, else text as it is
//	sallyport CODE args...    run a subcommand; it must end with CODE
//	                          ($CORPUS is testdata/corpus)
//	sshin PERSON CODE FILE words...  as ssh, with FILE as its input
//	edit FILE PATTERN TEXT    replace what the regular expression matches, \n for a
//	                          new line in TEXT, by renaming a new file over the old one
//	hangup                    ask the bastion for a reload
//	capture NAME PATTERN      set $NAME to what the group matches in the last stdout
//	until PERSON CODE words...  as ssh, again and again until it ends with CODE
//	logged TEXT               wait until the bastion's log says so
//	envsubst FILE...          put the values of $VARIABLES into files
//	append FILE OTHER         put OTHER behind FILE
//	postgres FILE...          start a PostgreSQL with the database shop, filled
//	                          from the files; $PGSOCKET is its address, the login
//	                          app has the password pw-app
//	kubernetes [PATH FILE...] start a Kubernetes API server with a pod web-1 in the
//	                          namespace shop, and post the files to its paths; $KUBE
//	                          and $KUBECA lead there, with token-gateway or token-admin
//	sqlite FILE SQLFILE       make a file of SQLite
//	superuser FILE|SQL        run statements there; stdout is that of the last command
//	mariadb busy|idle|dies    wait until the demo's MariaDB runs a statement of the
//	                          gate, or none; end it as a crash would
//	redis [busy|idle|dies|COMMAND]  start a Redis, $REDIS, with the login app, whose
//	                          password is in $REDISPASS; then wait until a command of
//	                          the gate waits there, or none; end it; run a command there
//	clickhouse FILE           start a ClickHouse with the database shop, filled from the
//	                          file; $CLICK is its address, the login app has the password pw-app
//	clickhouse busy|idle|dies wait until it runs a statement of the gate, or none; end it
//	mssql FILE|busy|idle|dies start a server that speaks TDS over a file of SQL, at $MSSQL;
//	                          wait for what it runs; end it
//	ferretdb FILE...          start FerretDB, which speaks MongoDB's protocol, with the
//	                          database shop, a collection from each file; $FERRET is its
//	                          address, the login root has the password in ferret-password
//	login NAME                give a role there the password pw-NAME
//	shouter                   a program on port $SHOUTER that answers in capitals
//	forward PERSON CODE HOST:PORT TEXT  ssh -W with that input
//	sftp PERSON CODE [opt...] FILE  run the stock client over the commands in FILE
//	scp PERSON CODE [opt...] FROM TO  copy by the stock client, BASTION:PATH at the bastion
//	sshd                      start OpenSSH's server; $SSHD is its address, $SSHDUSER its
//	                          login, $SSHDKEY the login's key file, $HOSTKEY its line
//	scpasked PERSON APPROVER CODE [opt...] FROM TO  the same, while the other approves
//	bigfile FILE N            make a file of N MiB
//	transcript-id             $ID is the first transcript of the last command's stdout
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("..", "..", "testdata", "script"),
		Setup: func(e *testscript.Env) error {
			b := &testBastion{t: e.T().(testing.TB), data: filepath.Join(e.WorkDir, "data"), home: filepath.Join(e.WorkDir, "home")}
			e.Values["bastion"] = b
			text, err := os.ReadFile(filepath.Join("..", "..", "testdata", "script", path.Base(b.t.Name())+".txtar"))
			if err != nil {
				return err
			}
			b.later = unopened(string(text))
			e.Setenv("DATA", b.data)
			corpus, err := filepath.Abs(filepath.Join("..", "..", "testdata", "corpus"))
			if err != nil {
				return err
			}
			e.Setenv("CORPUS", corpus)
			return os.MkdirAll(b.home, 0o700)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"bastion":  scriptBastion,
			"stop":     func(ts *testscript.TestScript, _ bool, _ []string) { theBastion(ts).stop() },
			"signin":   func(ts *testscript.TestScript, _ bool, args []string) { theBastion(ts).signIn(args[0]) },
			"ssh":      scriptSSH,
			"sshopt":   scriptSSHOptions,
			"terminal": scriptTerminal,
			"see":      func(ts *testscript.TestScript, _ bool, args []string) { theScreen(ts).See(strings.Join(args, " ")) },
			"type": func(ts *testscript.TestScript, _ bool, args []string) {
				theScreen(ts).Type(strings.Join(args, " ") + "\r")
			},
			"ended":   scriptEnded,
			"keys":    func(ts *testscript.TestScript, _ bool, args []string) { theScreen(ts).Press(args...) },
			"shouter": scriptShouter,
			"forward": scriptForward,
			"sshin":   scriptSSHIn,
			"edit":    scriptEdit,
			"hangup": func(ts *testscript.TestScript, _ bool, _ []string) {
				ts.Check(theBastion(ts).cmd.Process.Signal(syscall.SIGHUP))
			},
			"logged":     scriptLogged,
			"capture":    scriptCapture,
			"until":      scriptUntil,
			"sallyport":  scriptSallyport,
			"envsubst":   scriptEnvsubst,
			"append":     scriptAppend,
			"sftp":       scriptSFTP,
			"scp":        scriptSCP,
			"bigfile":    scriptMake,
			"scpasked":   scriptSCPAsked,
			"sshd":       scriptSSHD,
			"kubernetes": scriptKubernetes,
			"postgres":   scriptPostgres,
			"sqlite":     scriptSQLite,
			"mariadb":    scriptMariaDB,
			"redis":      scriptRedis,
			"clickhouse": scriptClickHouse,
			"mssql":      scriptMSSQL,
			"ferretdb":   scriptFerret,
			"superuser":  scriptSuperuser,
			"login":      scriptLogin,
			"transcript-id": func(ts *testscript.TestScript, _ bool, _ []string) {
				ts.Setenv("ID", regexp.MustCompile(`[0-9]{8}T[0-9]{6}-[0-9a-z]+`).FindString(ts.ReadFile("stdout")))
			},
			"approve": func(ts *testscript.TestScript, _ bool, args []string) { scriptApprove(ts, args) },
		},
	})
}

// unopened are the databases of the demo that a script does not name: to make them
// for each bastion would be most of what the tests cost.
func unopened(script string) string {
	var later []string
	for _, name := range []string{demo.PostgresName, demo.MariaName} {
		if !strings.Contains(script, name) {
			later = append(later, name)
		}
	}
	return strings.Join(later, ",")
}

func theBastion(ts *testscript.TestScript) *testBastion { return ts.Value("bastion").(*testBastion) }

func scriptBastion(ts *testscript.TestScript, neg bool, args []string) {
	b := theBastion(ts)
	b.start(args...)
	ts.Defer(b.stop) // before the working directory goes
	ts.Setenv("PORT", b.port)
}

func scriptSSH(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: ssh PERSON CODE words...")
	}
	person := args[0]
	if person == "-" {
		person = ""
	}
	check(ts, args[1], theBastion(ts).ssh(person, args[2:]...))
}

// check prints what came, for testscript's stdout and stderr, and compares the code.
func check(ts *testscript.TestScript, code string, r result) {
	want, err := strconv.Atoi(code)
	ts.Check(err)
	fmt.Fprint(ts.Stdout(), r.out)
	fmt.Fprint(ts.Stderr(), r.err)
	if r.code != want {
		ts.Fatalf("exit code %d, want %d\nstdout: %s\nstderr: %s", r.code, want, r.out, r.err)
	}
}

func scriptSallyport(ts *testscript.TestScript, neg bool, args []string) {
	cmd := sallyport(args[1:]...)
	cmd.Dir = ts.MkAbs(".")
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	_ = cmd.Run() // the code is compared below
	check(ts, args[0], result{out.String(), errs.String(), cmd.ProcessState.ExitCode()})
}

func scriptSSHIn(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 4 {
		ts.Fatalf("usage: sshin PERSON CODE FILE words...")
	}
	check(ts, args[1], theBastion(ts).sshIn(args[0], ts.ReadFile(args[2]), args[3:]...))
}

// scriptEdit changes a file as editors do: a reader sees the old one or the new.
func scriptEdit(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: edit FILE PATTERN TEXT")
	}
	file := ts.MkAbs(args[0])
	old := ts.ReadFile(file)
	changed := regexp.MustCompile(args[1]).ReplaceAllString(old, strings.ReplaceAll(args[2], `\n`, "\n"))
	if changed == old {
		ts.Fatalf("%s: nothing matches %s", args[0], args[1])
	}
	ts.Check(os.WriteFile(file+".new", []byte(changed), 0o600))
	ts.Check(os.Rename(file+".new", file))
}

func scriptLogged(ts *testscript.TestScript, _ bool, args []string) {
	b, want := theBastion(ts), strings.Join(args, " ")
	// The log has no signal for a new line; looking is cheap.
	for limit := time.Now().Add(patience); !strings.Contains(b.log.String(), want); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(limit) {
			ts.Fatalf("the bastion's log does not say %q:\n%s", want, b.log.String())
		}
	}
}

func scriptUntil(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[1])
	ts.Check(err)
	limit := time.Now().Add(patience)
	for {
		r := theBastion(ts).ssh(args[0], args[2:]...)
		if r.code == want || time.Now().After(limit) {
			check(ts, args[1], r)
			return
		}
	}
}

func scriptCapture(ts *testscript.TestScript, _ bool, args []string) {
	m := regexp.MustCompile(args[1]).FindStringSubmatch(ts.ReadFile("stdout"))
	if m == nil {
		ts.Fatalf("nothing matches %s", args[1])
	}
	ts.Setenv(args[0], m[1])
}

// scriptApprove has a person say yes to the one request that waits.
func scriptApprove(ts *testscript.TestScript, args []string) {
	b := theBastion(ts)
	b.ssh(args[0], "approve", waitingRequest(b.t, b)).must(b.t, 0)
}

func scriptSSHOptions(ts *testscript.TestScript, _ bool, args []string) {
	b := theBastion(ts)
	options, words := args[2:], []string(nil)
	for i, a := range options {
		if !strings.HasPrefix(a, "-") {
			options, words = options[:i], options[i:]
			break
		}
	}
	cmd := exec.Command("ssh", slices.Concat(b.sshArgs(args[0]), []string{"-T"}, options, []string{"127.0.0.1"}, words)...)
	if i := slices.Index(options, "-s"); i >= 0 {
		cmd = exec.Command("ssh", slices.Concat(b.sshArgs(args[0]), []string{"-T", "-s", "127.0.0.1"}, words)...)
	}
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	_ = cmd.Run() // the code is compared below
	check(ts, args[1], result{out.String(), errs.String(), cmd.ProcessState.ExitCode()})
}

// screens are the terminals of scripts, the newest by bastion.
var screens sync.Map

func theScreen(ts *testscript.TestScript) *termtest.Screen {
	s, ok := screens.Load(theBastion(ts))
	if !ok {
		ts.Fatalf("no terminal yet")
	}
	return s.(*termtest.Screen)
}

func scriptTerminal(ts *testscript.TestScript, _ bool, args []string) {
	b := theBastion(ts)
	width, err := strconv.Atoi(args[2])
	ts.Check(err)
	height, err := strconv.Atoi(args[3])
	ts.Check(err)
	cmd := exec.Command("ssh", slices.Concat(b.sshArgs(args[0]), []string{"-tt", "127.0.0.1"}, args[4:])...)
	cmd.Env = append(os.Environ(), "TERM="+args[1])
	screens.Store(b, termtest.Start(b.t, cmd, width, height))
}

func scriptEnded(ts *testscript.TestScript, _ bool, args []string) {
	if code := theScreen(ts).Exit(); strconv.Itoa(code) != args[0] {
		ts.Fatalf("the client ended with %d, want %s", code, args[0])
	}
}
