package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
)

// small is the least that passes.
const small = `data: /var/lib/sallyport
sign_in: {issuer: "https://login.acme.example", client_id: sallyport}
resources:
  - {name: db, kind: sqlite, address: /tmp/db}
`

func parse(t *testing.T, text string) *Config {
	t.Helper()
	c, err := Parse([]byte(text), "test.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestExample(t *testing.T) {
	c, err := Load("testdata/sallyport.yaml")
	if err != nil {
		t.Fatal(err)
	}
	here, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	if c.Data != here+"/data" || c.HostKey != here+"/keys/host_ed25519" || c.Resources[2].Address != here+"/lite.db" ||
		c.Resources[0].Password.File != here+"/secrets/orders-db" || c.Resources[0].TLSRootCA != here+"/ca.pem" ||
		c.Resources[0].MaskedPassword.File != here+"/secrets/orders-db-masked" ||
		c.Resources[1].Address != "/var/run/postgresql" || c.Resources[3].PrivateKey.File != "/etc/sallyport/web-1" {
		t.Errorf("relative paths: %+v", c)
	}
	if c.SignIn.RememberKey != Duration(12*time.Hour) || c.SignIn.CodeLifetime != Duration(270*time.Second) || c.Limits.Rows != 0 ||
		c.Resources[0].Labels["tier"] != "1" || c.SignIn.ClientSecret.Env != "SALLYPORT_CLIENT_SECRET" || c.Name != "acme" {
		t.Errorf("values: %+v", c)
	}
	p, err := c.Policy()
	if err != nil {
		t.Fatal(err)
	}
	d := p.Decide(policy.Request{Identity: policy.Identity{Subject: "a", Groups: []string{"engineering"}},
		Resource: c.Resources[0].Policy(), Action: policy.ActionSQL, Facts: policy.Facts{Class: policy.Write}})
	if d.Effect != policy.Approve || d.Rule != "engineers/writes" || d.Need != 2 || d.Wait != 30*time.Minute {
		t.Errorf("%+v", d)
	}
}

// The example sets every key, so that it documents all of them and tests that
// each is read.
func TestExampleIsWhole(t *testing.T) {
	c, err := Load("testdata/sallyport.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("testdata/sallyport.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, typ := range []reflect.Type{
		reflect.TypeFor[Config](), reflect.TypeFor[SignIn](), reflect.TypeFor[Limits](), reflect.TypeFor[Recording](), reflect.TypeFor[Retain](), reflect.TypeFor[Audit](), reflect.TypeFor[Webhook](), reflect.TypeFor[Resource](), reflect.TypeFor[Ref](), reflect.TypeFor[Pattern](),
		reflect.TypeFor[Certificate](), reflect.TypeFor[Inventory](), reflect.TypeFor[Listed](),
		reflect.TypeFor[Command](), reflect.TypeFor[Parameter](), reflect.TypeFor[ProcessBounds](),
		reflect.TypeFor[HTTP](), reflect.TypeFor[Request](),
		reflect.TypeFor[policy.Role](), reflect.TypeFor[policy.Bounds](), reflect.TypeFor[policy.Rule](), reflect.TypeFor[policy.Mask](), reflect.TypeFor[policy.Selector](),
	} {
		for key := range fieldsOf(typ) {
			if key != "insecure_issuer" && !strings.Contains(string(text), key+": ") && !strings.Contains(string(text), key+":\n") {
				t.Errorf("the example has no %s of %s", key, typ)
			}
		}
	}
	if len(c.Revision) != 64 {
		t.Errorf("revision %q", c.Revision)
	}
}

func TestDefaults(t *testing.T) {
	c := parse(t, small)
	want := Defaults()
	want.Data, want.HostKey = "/var/lib/sallyport", "/var/lib/sallyport/host_ed25519"
	want.SignIn.Issuer, want.SignIn.ClientID = "https://login.acme.example", "sallyport"
	want.Resources = []Resource{{Name: "db", Kind: "sqlite", Address: "/tmp/db"}}
	want.Revision, want.Address, want.Files = c.Revision, c.Address, []string{"test.yaml"}
	if d := cmp.Diff(&want, c); d != "" {
		t.Error(d)
	}
	if !strings.HasPrefix(c.Address, "-p 2222 ") {
		t.Errorf("address %q", c.Address)
	}
	if z := parse(t, small+"limits:\n"); z.Limits != want.Limits {
		t.Errorf("a section without values loses its defaults: %+v", z.Limits)
	}
	off := parse(t, strings.Replace(small, "client_id", "remember_key: 0, client_id", 1))
	if off.SignIn.RememberKey != 0 {
		t.Errorf("remember_key: 0 is %s", off.SignIn.RememberKey)
	}
	if a, b := parse(t, small), parse(t, small+"# x\n"); a.Revision == b.Revision {
		t.Error("another file, the same revision")
	}
}

// A long line of pairs is not deep.
func TestLongLine(t *testing.T) {
	parse(t, strings.Replace(small, "address: /tmp/db", "address: /tmp/db, labels: {"+strings.Repeat("x", 3)+": y"+func() string {
		var more string
		for i := range 200 {
			more += fmt.Sprintf(", k%d: v", i)
		}
		return more
	}()+"}", 1))
}

func TestReach(t *testing.T) {
	for listen, want := range map[string]string{
		"127.0.0.1:2222": "-p 2222 localhost", "[::1]:22": "localhost", "bastion.acme.example:22": "bastion.acme.example",
		"10.0.0.1:2022": "-p 2022 10.0.0.1",
	} {
		if got := reach(listen); got != want {
			t.Errorf("%s: %q, want %q", listen, got, want)
		}
	}
}

func TestFaults(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		a, err := txtar.ParseFile(f)
		if err != nil {
			t.Fatal(err)
		}
		c, err := Parse(a.Files[0].Data, a.Files[0].Name)
		if err == nil || c != nil {
			t.Fatal("no error")
		}
		if d := cmp.Diff(string(a.Files[1].Data), err.Error()+"\n"); d != "" {
			t.Errorf("%s (-want +got):\n%s", f, d)
			t.Log(err)
		}
		if strings.Contains(err.Error(), "hunter2") {
			t.Error("a password shows")
		}
		var one Fault
		if !errors.As(err, &one) {
			t.Error("no Fault in it")
		}
	}
}

func TestOneFault(t *testing.T) {
	const head, db = "data: /d\nsign_in: {issuer: \"https://i.example\", client_id: c}\n", "resources: [{name: db, kind: sqlite, address: /x}]\n"
	pg := func(fields string) string {
		return head + "resources: [{name: db, kind: postgres, user: u, database: d, " + fields + "}]\n"
	}
	host := func(fields string) string {
		return head + "resources: [{name: h, kind: ssh, user: u, " + fields + "}]\n"
	}
	key := "host_keys: ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f']"
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", "the file says nothing"},
		{"comments", "# only\n", "the file says nothing"},
		{"two documents", small + "---\nname: x\n", "test.yaml:6:1: a second document"},
		{"list", "- a\n", "test.yaml:1:1: a map is needed here, with address, audit, data,"},
		{"scalar", "hello\n", "test.yaml:1:1: a map is needed here"},
		{"syntax", "name: \"abc\n", "test.yaml:1:7: could not find end character"},
		{"tab", "sign_in:\n\tissuer: x\n", "test.yaml:2:"},
		{"twice", "name: a\nname: b\n", "test.yaml:2:1: mapping key \"name\" already defined"},
		{"twice, quoted", small + "limits: {rows: 1, \"rows\": 2}\n", "test.yaml:5:19: mapping key \"rows\" already defined"},
		{"anchor", small + "name: &a x\n", "test.yaml:5:7: name: anchors, aliases and tags"},
		{"tag", small + "name: !!str x\n", "anchors, aliases and tags"},
		{"merge", small + "<<: {name: x}\n", "test.yaml:5:1: a key is a plain word"},
		{"null", small + "name: ~\n", "test.yaml:5:7: name: the key has no value"},
		{"float", small + "limits: {anonymous: 2.5}\n", "test.yaml:5:21: limits.anonymous: a whole number"},
		{"huge number", small + "limits: {rows: 99999999999999999999}\n", "a whole number"},
		{"octal", small + "name: 010\n", "name: a text is needed here; a number or date in quotes"},
		{"bool", strings.Replace(small, "client_id", "insecure_issuer: maybe, client_id", 1), "sign_in.insecure_issuer: true or false"},
		{"negative duration", small + "limits: {idle: -5m}\n", `limits.idle: "-5m" is no duration`},
		{"number for duration", small + "limits: {idle: 5}\n", `limits.idle: "5" is no duration: write 8h`},
		{"sealed for nobody", small + "recording: {sealed: true}\n", "recording.sealed: sealed transcripts need recipients"},
		{"no recipient", small + "recording: {recipients: [bob]}\n", `recording.recipients[0]: "bob" is no age public key`},
		{"too far ahead", small + "recording: {lead_time: 1m}\n", "recording.lead_time: 1m is not between 0 and 5s"},
		{"too much ahead", small + "recording: {lead_bytes: -1}\n", "recording.lead_bytes: -1 is not between"},
		{"no witness", small + "recording: {witness_url: \"witness token=x\"}\n", "recording.witness_url: no http or https URL"},
		{"command without key", small + "recording: {sign_command: [sign]}\n", "recording.sign_key: sign_command and sign_key belong together"},
		{"long duration", small + "limits: {idle: 25h}\n", "limits.idle: 25h is not between 1s and 24h"},
		{"no connection", small + "limits: {connections: 0}\n", "limits.connections: 0 is not between 1 and"},
		{"no data", strings.Replace(small, "data:", "name:", 1), "data: a directory is needed"},
		{"no sign-in", db + "data: /d\n", "sign_in.issuer: the provider's URL is needed"},
		{"no resource", head, "resources: there is nothing to reach"},
		{"control", small + "name: \"a\\e[31m\"\n", "name: the text holds characters"},
		{"address", small + "address: \"x; rm -rf\"\n", "address: \"x; rm -rf\" is not what one types"},
		{"port", small + "listen: \":123456\"\n", "listen: \"123456\" is no port"},
		{"issuer query", strings.Replace(small, ".example", ".example/?a=b", 1), "sign_in.issuer: an issuer has no user"},
		{"issuer user", strings.Replace(small, "login.", "u:hunter2@login.", 1), "an issuer has no user"},
		{"http loopback", strings.Replace(small, "https://login.acme.example", "http://127.0.0.1:1", 1), "needs insecure_issuer: true"},
		{"http far", strings.Replace(small, "https://login.acme.example\"", "http://localhost.evil.example\", insecure_issuer: true", 1), "only on loopback"},
		{"scope", strings.Replace(small, "client_id", "scopes: [\"a b\"], client_id", 1), "sign_in.scopes[0]: \"a b\" is no scope"},
		{"bad kind", head + "resources: [{name: db, kind: sqlit}]\n", `resources[0].kind: unknown kind "sqlit": did you mean "sqlite"?`},
		{"no kind", head + "resources: [{name: db}]\n", "a kind is needed: one of postgres, mysql, sqlite, mongodb, ssh"},
		{"name", head + "resources: [{name: -x, kind: sqlite, address: /x}]\n", `resources[0].name: "-x" is no name`},
		{"label", head + "resources: [{name: x, kind: sqlite, address: /x, labels: {env: \"*\"}}]\n", `resources[0].labels.env: "*" is no label's value`},
		{"foreign", head + "resources: [{name: x, kind: sqlite, address: /x, user: me}]\n", "resources[0].user: a resource of kind sqlite has no user"},
		{"no port", pg("address: db"), `"db" is no address: host:port, 5432 as a rule`},
		{"port 0", pg("address: 'db:0'"), `"0" is no port`},
		{"socket tls", pg("address: /run, tls: require"), "a Unix socket has no TLS"},
		{"redis database", head + "resources: [{name: c, kind: redis, address: 'c:6379', database: cache}]\n", `resources[0].database: "cache" is no database: it is a number`},
		{"redis port", head + "resources: [{name: c, kind: redis, address: c}]\n", `"c" is no address: host:port, 6379 as a rule`},
		{"redis foreign", head + "resources: [{name: c, kind: redis, address: /s.sock, search_path: a}]\n", "a resource of kind redis has no search_path"},
		{"url", pg("address: 'postgres://u:hunter2@db:5432/x'"), "resources[0].address: an address is host:port and no more"},
		{"tls", pg("address: 'db:1', tls: verify"), "unknown mode"},
		{"root ca", pg("address: 'db:1', tls: require, tls_root_ca: x"), "with tls: require nothing is verified"},
		{"no reference", pg("address: 'db:1', password: {}"), "resources[0].password: a secret is given by one reference"},
		{"two references", pg("address: 'db:1', password: {env: A, file: b}"), "a secret is given by one reference"},
		{"inline secret", pg("address: 'db:1', password: hunter2"), "a secret is never written here"},
		{"secret as name", pg("address: 'db:1', password: {env: 'hunter2 !'}"), "no name of an environment variable"},
		{"no host key", host("address: 'h:22', password: {env: A}"), "resources[0].host_keys: the host's keys are needed"},
		{"host key", host("address: 'h:22', password: {env: A}, host_keys: ['h ssh-ed25519 AAAA']"), "resources[0].host_keys[0]: this is no host key"},
		{"host key options", host("address: 'h:22', password: {env: A}, " + strings.Replace(key, "'ssh", "'no-pty ssh", 1)), "nothing in front of its type"},
		{"no credential", host("address: 'h:22', " + key), "a credential is needed"},
		{"vault in clear", host("address: 'h:22', certificate: {vault: {address: 'http://v.example:8200', role: r, token: {env: A}}}, " + key), "certificate.vault.address: \"http://v.example:8200\" is not https"},
		{"vault with a user", host("address: 'h:22', certificate: {vault: {address: 'https://t0ken@v.example:8200', role: r, token: {env: A}}}, " + key), "is no address"},
		{"vault elsewhere", host("address: 'h:22', certificate: {vault: {address: 'https://v.example:8200', mount: 'ssh/../sys', role: r, token: {env: A}}}, " + key), "is no mount"},
		{"vault without a token", host("address: 'h:22', certificate: {vault: {address: 'https://v.example:8200', role: r}}, " + key), "certificate.vault.token: a token is needed"},
		{"two authorities", host("address: 'h:22', certificate: {authority: {env: B}, vault: {address: 'https://v.example:8200', role: r, token: {env: A}}}, " + key), "give one: authority or vault"},
		{"two credentials", host("address: 'h:22', password: {env: A}, private_key: {env: B}, " + key), "give one credential: private_key, password or certificate"},
		{"mask misses", small + "masks: [{name: m, resources: {names: [dbb]}, columns: [a.b]}]\n", `masks[0].resources.names[0]: no resource is named "dbb": did you mean "db"?`},
		{"role misses", small + "roles: [{name: r, groups: [g], resources: {labels: {env: prd}}, rules: [{name: a, allow: [read]}]}]\n", "test.yaml:5:58: roles[0].resources.labels.env: no resource has a label \"env\""},
		{"word", small + "roles:\n  - name: r\n    groups: [g]\n    resources: {names: [\"*\"]}\n    rules:\n      - name: a\n        allow: [read, wirte]\n",
			"test.yaml:11:23: roles[0].rules[0].allow[1]: unknown word \"wirte\": did you mean \"write\"?"},
		{"keep", small + "recording: {keep: 1h}\n", "recording.keep: 1h is not between 24h and"},
		{"retention without keep", small + "recording: {retention: [{name: a, resources: {names: ['*']}}]}\n", "keep is needed: 90d, or 0 for ever"},
		{"retention of nothing", small + "recording: {retention: [{name: a, keep: 90d}]}\n", "resources is needed"},
		{"retention without name", small + "recording: {retention: [{keep: 90d, resources: {names: ['*']}}]}\n", "a name is needed"},
		{"audit nowhere", small + "audit: [{statements: true}]\n", "exactly one of file, syslog and webhook"},
		{"audit twice", small + "audit: [{file: a}, {file: a}]\n", "audit[1]: this place is told already"},
		{"audit by http", small + "audit: [{webhook: {url: 'http://siem.example/hunter2'}}]\n", "audit[0].webhook.url: no https URL"},
		{"audit header", small + "audit: [{webhook: {url: 'https://x.example', headers: {'A B': {env: C}}}}]\n", "is no name of a header"},
		{"audit header value", small + "audit: [{webhook: {url: 'https://x.example', headers: {Authorization: hunter2}}}]\n", "a secret is never written here"},
		{"syslog", small + "audit: [{syslog: 'http://x'}]\n", "udp://host:514"},
		{"syslog port", small + "audit: [{syslog: 'udp://x'}]\n", "host and port are needed"},
		{"not text", "\xff\xfe", "the file is not UTF-8"},
		{"deep", strings.Repeat("[", 100), "nests deeper"},
		{"many keys", small + "limits:\n" + strings.Repeat("  x: {}\n", 1001), "a map has more than 1000 keys"},
		{"many lists", strings.Repeat("x:\n- a\n", 1001), "a map has more than 1000 keys"},
		{"large", strings.Repeat("#", MaxSize+1), "larger than 4 MiB"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg, err := Parse([]byte(c.text), "test.yaml")
			if err == nil || cfg != nil {
				t.Fatal("no error")
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("a password shows: %v", err)
			}
			var fs Faults
			if !errors.As(err, &fs) || len(fs) != 1 && c.name != "no sign-in" && c.name != "scalar" && c.name != "list" && c.name != "no data" {
				t.Errorf("%d faults: %v", len(fs), err)
			}
		})
	}
}

// Whatever stands in a file, no value of a key that announces a secret shows.
func TestExcerptHidesSecrets(t *testing.T) {
	for _, line := range []string{
		"password: hunter2", "  - {a: b, pwd: hunter2, nmae: x}", "PASSWORD: hunter2", "private_key: hunter2", "api_token: hunter2",
		"-----BEGIN hunter2", "Secret=hunter2", "clientSecret: hunter2", "credentials: hunter2", "url: postgres://u:hunter2@h/d", "x: [passwords, hunter2]",
	} {
		if e := excerpt(line, -1); strings.Contains(e, "hunter2") {
			t.Errorf("%q shows %q", line, e)
		}
	}
	if e := excerpt("unknwon: hunter2", 0); e != "unknwon:" {
		t.Errorf("%q", e)
	}
	if e := excerpt("- {name: a, unknwon: hunter2}", 12); e != "- {name: a, unknwon:" {
		t.Errorf("%q", e)
	}
	if e := excerpt("remember_key: 8", -1); e != "remember_key: 8" {
		t.Errorf("%q", e)
	}
	if e := excerpt("\x1b]0;x\x07 name: y", -1); strings.ContainsAny(e, "\x1b\x07") {
		t.Errorf("%q", e)
	}
}

func TestTemplate(t *testing.T) {
	_, err := Parse([]byte(Template()), "new.yaml")
	var fs Faults
	if !errors.As(err, &fs) {
		t.Fatalf("the template passes as it is: %v", err)
	}
	if n := strings.Count(Template(), ": "+placeholder) + strings.Count(Template(), "["+placeholder) + strings.Count(Template(), "//"+placeholder); len(fs) != n || n < 7 {
		t.Errorf("%d faults for %d placeholders:\n%v", len(fs), n, err)
	}
	for _, f := range fs {
		if !strings.Contains(f.Message, "placeholder") || f.Line == 0 {
			t.Errorf("not about a placeholder: %v", f)
		}
	}
	c := parse(t, strings.ReplaceAll(Template(), placeholder, "acme"))
	if _, err := c.Policy(); err != nil {
		t.Error(err)
	}
	if len(c.Resources) != 1 || len(c.Masks) != 1 || len(c.Roles) != 1 {
		t.Errorf("%+v", c)
	}
}

// The template's words about defaults must stay true.
func TestTemplateSaysDefaults(t *testing.T) {
	c, d := parse(t, strings.ReplaceAll(Template(), placeholder, "acme")), Defaults()
	if c.Listen != d.Listen || c.SignIn.RememberKey != d.SignIn.RememberKey || c.SignIn.GroupsClaim != d.SignIn.GroupsClaim ||
		!cmp.Equal(c.SignIn.Scopes, d.SignIn.Scopes) {
		t.Error("the template differs from the defaults where it shows them")
	}
}

func TestResourceRevision(t *testing.T) {
	base := Resource{Name: "db", Kind: "postgres", Address: "a:1", User: "u", Database: "d", Password: &Ref{Env: "X"},
		HostKeys: []string{"k"}, TLS: "require", TLSRootCA: "c", SearchPath: "s", PrivateKey: &Ref{File: "f"}, Labels: map[string]string{"env": "prod"}}
	rev := func(change func(*Resource)) string {
		r := base
		change(&r)
		return r.Policy().Revision
	}
	same := rev(func(*Resource) {})
	for i, change := range []func(*Resource){
		func(r *Resource) { r.Labels = nil }, func(r *Resource) { r.Description = "x" }, func(r *Resource) { r.Password = &Ref{Env: "X"} },
	} {
		if rev(change) != same {
			t.Errorf("change %d is not about where an operation goes", i)
		}
	}
	seen := map[string]int{same: -1}
	for i, change := range []func(*Resource){
		func(r *Resource) { r.Name = "x" }, func(r *Resource) { r.Kind = "ssh" }, func(r *Resource) { r.Address = "a:2" },
		func(r *Resource) { r.User = "x" }, func(r *Resource) { r.Database = "x" }, func(r *Resource) { r.Password = nil },
		func(r *Resource) { r.Password = &Ref{File: "X"} }, func(r *Resource) { r.PrivateKey = nil }, func(r *Resource) { r.HostKeys = nil },
		func(r *Resource) { r.TLS = "" }, func(r *Resource) { r.TLSRootCA = "" }, func(r *Resource) { r.SearchPath = "" },
		func(r *Resource) { r.User, r.Database = "ud", "" }, func(r *Resource) { r.MaskedUser = "m" },
		func(r *Resource) { r.MaskedPassword = &Ref{File: "m"} }, func(r *Resource) { r.HostKeys = []string{"k", ""} },
		func(r *Resource) { r.HostKeys, r.HostAuthorities = nil, []string{"k"} }, func(r *Resource) { r.KnownHosts = "k" },
		func(r *Resource) { r.Certificate = &Certificate{} }, func(r *Resource) { r.Certificate = &Certificate{Authority: &Ref{File: "c"}} },
		func(r *Resource) { r.Certificate = &Certificate{Principals: []string{"p"}} }, func(r *Resource) { r.Certificate = &Certificate{Valid: 1} },
		func(r *Resource) { r.Via = "k" }, func(r *Resource) { r.Forwards = []string{"p"} }, func(r *Resource) { r.LegacyAlgorithms = true },
		func(r *Resource) { r.Command = &Command{} }, func(r *Resource) { r.Command = &Command{Args: []string{"a", "b"}} },
		func(r *Resource) { r.Command = &Command{Args: []string{"ab"}} }, func(r *Resource) { r.Command = &Command{Parameters: []Parameter{{Name: "a"}}} },
		func(r *Resource) { r.HTTP = &HTTP{} }, func(r *Resource) { r.HTTP = &HTTP{Auth: "basic"} }, func(r *Resource) { r.HTTP = &HTTP{Header: "basic"} },
		func(r *Resource) { r.HTTP = &HTTP{TokenURL: "t"} }, func(r *Resource) { r.HTTP = &HTTP{Scopes: []string{"t"}} }, func(r *Resource) { r.HTTP = &HTTP{Audience: "t"} },
		func(r *Resource) { r.HTTP = &HTTP{Certificate: "t"} }, func(r *Resource) { r.HTTP = &HTTP{CertificateKey: &Ref{Env: "t"}} },
		func(r *Resource) { r.HTTP = &HTTP{AllowLoopback: true} }, func(r *Resource) { r.HTTP = &HTTP{LenientPaths: true} }, func(r *Resource) { r.HTTP = &HTTP{AllowLinkLocal: true} },
	} {
		got := rev(change)
		if j, ok := seen[got]; ok {
			t.Errorf("change %d has the revision of %d", i, j)
		}
		seen[got] = i
	}
	// Those of clusters alone.
	base.Kind = "kubernetes"
	for i, change := range []func(*Resource){
		func(*Resource) {}, func(r *Resource) { r.Kubeconfig = &Ref{File: "k"} }, func(r *Resource) { r.Token = &Ref{File: "k"} }, func(r *Resource) { r.ClientCertificate = &Ref{File: "k"} },
		func(r *Resource) { r.Namespace = "n" }, func(r *Resource) { r.Impersonate = true }, func(r *Resource) { r.ImpersonatePrefix = "n" },
	} {
		got := rev(change)
		if j, ok := seen[got]; ok {
			t.Errorf("change %d of a cluster has the revision of %d", i, j)
		}
		seen[got] = 100 + i
	}
	// That of documents alone.
	base.Kind = "mongodb"
	if a, b := rev(func(*Resource) {}), rev(func(r *Resource) { r.AuthDatabase = "n" }); a == b {
		t.Error("where a login is known does not change the revision")
	}
	// A field added later must be thought about here.
	if n := reflect.TypeFor[Resource]().NumField(); n != 32 {
		t.Errorf("Resource has %d fields: is the new one part of the revision?", n)
	}
	p := base.Policy()
	p.Labels["env"] = "test"
	if base.Labels["env"] != "prod" {
		t.Error("the labels are shared")
	}
}

func TestLoadFaults(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "open.yaml")
	if err := os.WriteFile(path, []byte(small), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
	for p, want := range map[string]string{path: "chmod o-w", filepath.Join(dir, "none"): "no such file", dir: "no regular file"} {
		if _, err := Load(p); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", p, err)
		}
	}
}

func TestDuration(t *testing.T) {
	for in, want := range map[string]string{"8h": "8h", "90m": "1h30m", "5m": "5m", "30s": "30s", "0": "0", "1h0m5s": "1h0m5s", "0s": "0", "100ms": "100ms", "90d": "2160h"} {
		var d Duration
		if err := d.UnmarshalText([]byte(in)); err != nil || d.String() != want {
			t.Errorf("%s: %s, %v", in, d, err)
		}
	}
	for _, in := range []string{"", "5", "-1h", "-1d", "1.5d", "1d12h", "d", "h", "5 m"} {
		var d Duration
		if err := d.UnmarshalText([]byte(in)); err == nil {
			t.Errorf("%q is %s", in, d)
		}
	}
}

// What policy believes of masks is what mask has.
func TestVocabularyIsTrue(t *testing.T) {
	known := policy.DefaultDetectors()
	slices.Sort(known)
	have := (&Config{}).vocabulary().Detectors
	slices.Sort(have)
	if d := cmp.Diff(have, known); d != "" {
		t.Errorf("detectors (-mask +policy):\n%s", d)
	}
	for _, method := range []string{"", "redact", "null", "partial", "hide"} {
		_, theirs := mask.ParseMethod(method)
		_, ours := policy.Compile(nil, policy.Masking{{Name: "m", Resources: policy.Selector{Names: []string{"*"}}, Columns: []string{"a.b"}, Method: method}})
		if (theirs == nil) != (ours == nil) {
			t.Errorf("method %q: mask says %v, policy says %v", method, theirs, ours)
		}
	}
}

// FuzzParse: never a panic, a config or faults and not both, and nothing behind
// password: in an error.
func FuzzParse(f *testing.F) {
	example, err := os.ReadFile("testdata/sallyport.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range []string{string(example), small, Template(), "a: [", "- - -", "? x", "<<: *a", "a: !!binary x", "%YAML 1.2\n---\n", "a: |+\n  x\n\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 4096 {
			return
		}
		c, err := Parse(b, "fuzz.yaml")
		if (c == nil) == (err == nil) {
			t.Fatalf("config %v and error %v", c, err)
		}
		if err != nil {
			var fs Faults
			if !errors.As(err, &fs) || len(fs) == 0 {
				t.Fatalf("not faults: %#v", err)
			}
			return
		}
		if err := c.Validate(); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Policy(); err != nil {
			t.Fatal(err)
		}
	})
}
