package http

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/policy"
)

// form is a way to say in the body what is asked.
type form int

const (
	formPlain form = iota
	formGraphQL
	formRPC
	formSOAP
	formSearch
)

// searches are the last words of paths that are read by POST.
var searches = set("_search search _msearch _count _mget _field_caps _explain _validate _analyze _termvectors _rank_eval _query_range")

func (j *judge) form() form {
	last := ""
	if n := len(j.segments); n > 0 {
		last = j.segments[n-1]
	}
	typ := strings.ToLower(j.r.Header.Get("Content-Type"))
	body := bytes.TrimSpace(j.r.Body)
	switch {
	case j.pathGraphQL(), strings.Contains(typ, "graphql"), j.asksGraphQL(body):
		return formGraphQL
	case j.r.Method != "POST":
		return formPlain
	case bytes.Contains(body, []byte(`"jsonrpc"`)):
		return formRPC
	case j.r.Header.Get("Soapaction") != "" || bytes.Contains(body, []byte(":Envelope")) || bytes.Contains(body, []byte("<Envelope")):
		return formSOAP
	case searches[last]:
		return formSearch
	}
	return formPlain
}

// undoWrite takes back what the method POST alone made of it.
func (j *judge) undoWrite(f form) {
	if j.believed(f) && j.class == policy.Write && !j.destructive {
		j.class, j.why = policy.Read, nil
	}
}

// search is a read by POST, unless its body runs a script.
func (j *judge) search() {
	if bytes.Contains(j.r.Body, []byte(`"script"`)) || bytes.Contains(j.r.Body, []byte(`"runtime_mappings"`)) || bytes.Contains(j.r.Body, []byte(`"script_fields"`)) {
		j.raise(policy.Dangerous, "the search runs a script")
		return
	}
	j.undoWrite(formSearch)
}

// readers are the first words of names of procedures that read.
var readers = set("get list find search read describe lookup query count fetch show view check exists status ping validate")

// losers are the first words of names of procedures that delete.
var losers = set("delete remove purge truncate drop wipe clear destroy erase flush reset")

// procedure judges a call by its name: deleteAllOrders, orders.list, GetOrder.
func (j *judge) procedure(name string) (reads bool) {
	parts := strings.FieldsFunc(name, func(r rune) bool { return strings.ContainsRune("./:#_", r) })
	last := name
	if len(parts) > 0 {
		last = parts[len(parts)-1]
	}
	ws := words(last)
	if len(ws) == 0 {
		return false
	}
	j.loses(ws, name)
	reads = readers[ws[0]]
	all := words(name)
	for i := range all[:max(0, len(all)-1)] {
		all = append(all, all[i]+all[i+1]) // api key
	}
	for _, w := range all {
		switch {
		case credentials[w] && w != "key":
			j.raise(policy.Privilege, "credentials: "+name)
		case running[w] && !reads:
			j.raise(policy.Dangerous, name+" runs code or steers the server")
			j.destructive = j.destructive || loud[w]
		case authority[w] && !reads:
			j.raise(policy.Privilege, "changes who may do what: "+name)
		}
	}
	return reads
}

// loses finds names that delete more than one thing.
func (j *judge) loses(ws []string, name string) {
	if !losers[ws[0]] {
		return
	}
	last := ws[len(ws)-1]
	unbounded := slices.Contains(ws, "all") || slices.Contains(ws, "every") || slices.Contains(ws, "many") || slices.Contains(ws, "everything") ||
		ws[0] == "purge" || ws[0] == "truncate" || ws[0] == "wipe" || ws[0] == "drop" || ws[0] == "flush" || len(ws) > 1 && strings.HasSuffix(last, "s") && !strings.HasSuffix(last, "ss") && !strings.HasSuffix(last, "status") && !slices.Contains(ws, "by")
	if unbounded {
		j.destroys(name + " is not bounded by a key")
	}
}

func (j *judge) rpc() {
	calls := []json.RawMessage{j.r.Body}
	if b := bytes.TrimSpace(j.r.Body); bytes.HasPrefix(b, []byte("[")) {
		if calls = nil; json.Unmarshal(b, &calls) != nil { // into the list as it was, it would write over the body
			j.raise(policy.Unknown, "the batch is no JSON")
			return
		}
	}
	reads := len(calls) > 0
	for _, c := range calls {
		var m struct{ Method string }
		if twice(c, "method") || json.Unmarshal(c, &m) != nil || m.Method == "" {
			j.raise(policy.Unknown, "the call names no method")
			return
		}
		reads = j.procedure(m.Method) && reads
	}
	if reads {
		j.undoWrite(formRPC)
	}
}

func (j *judge) soap() {
	if bytes.Contains(j.r.Body, []byte("<!DOCTYPE")) || bytes.Contains(j.r.Body, []byte("<!ENTITY")) {
		return // bodyValues says so
	}
	names, ok := calls(j.r.Body)
	if !ok {
		j.raise(policy.Unknown, "the envelope holds no call")
		return
	}
	if a := j.action(); a != "" {
		names = append(names, a)
	}
	reads := true
	for _, n := range names {
		reads = j.procedure(n) && reads
	}
	if reads {
		j.undoWrite(formSOAP)
	}
}

// bodyValues judges what the body says, whatever form it has.
func (j *judge) bodyValues() {
	b := bytes.TrimSpace(j.r.Body)
	if len(b) == 0 {
		return
	}
	writes := j.class != policy.Read
	typ := strings.ToLower(j.r.Header.Get("Content-Type"))
	switch {
	case bytes.Contains(b, []byte("<!DOCTYPE")) || bytes.Contains(b, []byte("<!ENTITY")) || bytes.Contains(b, []byte("xi:include")):
		j.raise(policy.Dangerous, "XML that reads other files or hosts")
	case bytes.HasPrefix(b, []byte("rO0AB")) || bytes.HasPrefix(b, []byte("\xac\xed\x00\x05")):
		j.raise(policy.Dangerous, "a serialised object")
	case b[0] == '{' || b[0] == '[':
		j.jsonValues(b, writes)
	case strings.Contains(typ, "form-urlencoded") || typ == "" && formLike.Match(b):
		j.formValues(b, writes)
	case partOverride.Match(b):
		j.raise(policy.Dangerous, "a part of the form replaces the method")
	case bytes.Contains(b, []byte("${jndi:")):
		j.raise(policy.Dangerous, "a value that loads code")
	}
}

var formLike = regexp.MustCompile(`^[\w.\[\]%-]+=[^\s]*$`)

// jsonValues walks the tokens, so that a key that stands twice is seen twice.
func (j *judge) jsonValues(b []byte, writes bool) {
	d := json.NewDecoder(bytes.NewReader(b))
	var inObject []bool
	isKey := false
	for range 200_000 {
		t, err := d.Token()
		if err != nil {
			return // what follows is no JSON: the class is a write's already
		}
		switch v := t.(type) {
		case json.Delim:
			switch v {
			case '{', '[':
				inObject = append(inObject, v == '{')
				isKey = v == '{'
				continue
			default:
				inObject = inObject[:len(inObject)-1]
			}
		case string:
			if isKey {
				j.key(v, writes)
				isKey = false
				continue
			}
			j.link(v)
		}
		isKey = len(inObject) > 0 && inObject[len(inObject)-1]
	}
}

// rights are keys of a body that change who may do what.
var rights = set(`role roles permission permissions isadmin admin superuser issuperuser isstaff grants grant scopes acl password passwd newpassword secret apikey token accesstoken privatekey publickey
	sshkey credentials privileges owner ownerid roleid roleids userrole usertype groupids policy passwordhash mfa twofactor`)

// programs are keys whose value is run; commands are so where the path says that
// something is run.
var (
	programs = set("cmd exec eval shellcommand shellscript powershell")
	commands = set("command commands script code args argv shell program")
	runners  = set("run runs runner runners job jobs task tasks invoke scheduler agent agents build builds pipeline pipelines")
)

func (j *judge) key(k string, writes bool) {
	joined := strings.Join(words(k), "")
	switch {
	case rights[joined] && writes:
		j.raise(policy.Privilege, "the body sets "+k)
	case k == "__proto__" || k == "constructor.prototype" || k == "$where" || k == "$function" || k == "@type" && writes:
		j.raise(policy.Dangerous, "the key "+k+" runs or loads code")
	case writes && (programs[joined] || commands[joined] && slices.ContainsFunc(j.segments, func(s string) bool { return runners[s] })):
		j.raise(policy.Dangerous, "the key "+k+" looks like a command to run")
	case joined == "_method":
		j.raise(policy.Dangerous, "the key "+k+" replaces the method")
	}
	if k == "_method" {
		j.raise(policy.Dangerous, "the key "+k+" replaces the method")
	}
}
