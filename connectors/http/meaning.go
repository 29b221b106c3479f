package http

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/sallyport/sallyport/policy"
)

// meaning judges by what path and body are about.
func (j *judge) meaning() {
	reads := j.class == policy.Read
	j.places(reads)
	form := j.form()
	if form != formPlain && !reads && !j.believed(form) {
		j.changes() // whatever the body says of itself
	}
	switch {
	case form == formGraphQL:
		j.graphQL()
	case form == formRPC:
		j.rpc()
	case form == formSOAP:
		j.soap()
	case form == formSearch:
		j.search()
	case reads:
		j.readsThatAct()
	default:
		j.changes()
	}
	j.encoding()
	j.bodyValues()
	for _, m := range j.replaced {
		j.changesBy(strings.ToUpper(strings.TrimSpace(m)))
	}
}

// words splits a segment: deleteAll-orders_x is delete, all, orders, x.
func words(segment string) []string {
	var out []string
	start := 0
	rs := []rune(segment)
	flush := func(end int) {
		if end > start {
			out = append(out, strings.ToLower(string(rs[start:end])))
		}
	}
	for i, r := range rs {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			flush(i)
			start = i + 1
		case i > 0 && unicode.IsUpper(r) && unicode.IsLower(rs[i-1]):
			flush(i)
			start = i
		}
	}
	flush(len(rs))
	return out
}

func set(text string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(text) {
		m[w] = true
	}
	return m
}

// What the words of a path are about.
var (
	// authority: changing it changes who may do what.
	authority = set(`admin admins administrator role roles permission permissions grant grants acl acls policy policies iam rbac user users account accounts member members membership
		group groups team teams owner owners ownership invite invites invitation invitations impersonate sudo login signin logout session sessions oauth oauth2 sso saml oidc mfa otp 2fa
		auth authorize authorization scope scopes _security entitlements privileges register signup collaborators`)
	// credentials: even reading them is a matter of privilege.
	credentials = set(`secret secrets token tokens credential credentials password passwords passwd apikey apikeys keys key privatekey sshkeys keypair keypairs certificate-key vault passphrase kubeconfig
		htpasswd shadow env environ configprops heapdump threaddump dotenv id_rsa jwks-private backup-codes recovery-codes`)
	// running: the path of a place that runs code or steers the server.
	running = set(`exec execute eval shell cmd command commands console script scripts groovy debug pprof jolokia jmx actuator-shutdown shutdown restart reboot jndi phpinfo phpmyadmin adminer
		_shutdown terminal repl cgi-bin wp-admin-ajax rce heapdump hotdeploy deploy-script invoke-script xmlrpc webshell`)
	// loud words: a change by them is not bounded by a key.
	loud = set("deleteall removeall purge truncate wipe flush flushall drop dropall clearall destroyall eraseall resetall shutdown restart reboot terminate kill stop halt poweroff nuke cleanup empty _forcemerge_ deleteallorders format")
	// acts: a GET of such a name changes something all the same.
	acts = set("delete remove destroy purge truncate wipe flush drop restart shutdown reboot kill terminate disable revoke execute rebuild reindex erase deactivate logout")
	// softer ones, which are also names of things: only behind the key of one thing.
	softer = set("create update reset stop start enable approve cancel grant promote clear unsubscribe transfer activate confirm close archive publish pay refund retry resend")
)

// texts are collections of things to read: what is in them is named by its title.
var texts = set("docs doc documentation help guide guides blog posts articles kb wiki manual faq tutorials news howto pages")

var title = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)+$`)

// title reports whether the segment is the title of a text: some words, below a
// collection of texts. Behind the key of one text it is an action on that.
func (j *judge) title(i int) bool {
	s := j.original()
	if !title.MatchString(s[i]) || slices.Contains(words(s[i]), "all") {
		return false
	}
	for i--; i >= 0 && !identifier(s[i]); i-- {
		if texts[strings.ToLower(s[i])] {
			return true
		}
	}
	return false
}

// places judges the words of the path.
func (j *judge) places(reads bool) {
	for i, s := range j.original() {
		whole := strings.ToLower(s)
		ws := append(words(s), whole)
		if reads && j.title(i) {
			continue
		}
		for _, w := range ws {
			switch {
			case running[w]:
				j.running(w, i, reads)
			case credentials[w] && !publicKey(whole) && (reads && whole == w || !reads || w != "key"):
				j.raise(policy.Privilege, "credentials: "+s)
			case authority[w] && !reads:
				j.raise(policy.Privilege, "changes who may do what: "+s)
			case loud[w] && !reads:
				j.destroys(s + " is not bounded by a key")
			}
		}
		if strings.HasPrefix(whole, ".") && whole != ".well-known" {
			j.raise(policy.Privilege, "a hidden file of the server: "+s)
		}
		if reads && dumps.MatchString(whole) {
			j.raise(policy.Privilege, "a file that may hold everything: "+s)
		}
	}
}

var dumps = regexp.MustCompile(`\.(sql|bak|pem|key|p12|pfx|jks|kdbx|hprof|env|tfstate)(\.gz)?$`)

func publicKey(segment string) bool {
	return segment == "jwks" || segment == "jwks.json" || strings.Contains(segment, "public") || segment == "keys-count"
}

// running is a place that runs code. Reading the state of one is no less.
func (j *judge) running(word string, i int, reads bool) {
	if reads && (word == "deploy-script" || word == "scripts" || word == "script" || word == "commands" || word == "command" || word == "restart" || word == "stop") && i < len(j.segments) {
		return // a resource of that name
	}
	j.raise(policy.Dangerous, word+" runs code or steers the server")
	if (loud[word] || word == "_shutdown") && !reads || word == "shutdown" || word == "reboot" {
		j.destructive = true
	}
}

// original are the path's segments, decoded, with their case.
func (j *judge) original() []string {
	var out []string
	for _, s := range strings.Split(j.path, "/") {
		if u, err := url.PathUnescape(s); err == nil {
			s = u
		}
		if s != "" {
			out = append(out, s)
		}
	}
	return out
}

// readsThatAct finds GET requests that change something.
func (j *judge) readsThatAct() {
	segs := j.original()
	if len(segs) == 0 {
		return
	}
	for i, s := range segs {
		ws := words(s)
		if i < len(segs)-2 || len(ws) == 0 {
			continue
		}
		soft := softer[ws[0]] && i == len(segs)-1 && i > 0 && identifier(segs[i-1])
		if j.title(i) {
			continue
		}
		if !soft && !acts[ws[0]] && !loud[strings.ToLower(s)] || identifier(s) || len(ws) > 1 && (ws[1] == "at" || ws[1] == "policy" || ws[1] == "requests") {
			continue
		}
		j.raise(policy.Write, "a "+j.r.Method+" that changes something: "+s)
		if loud[ws[0]] || loud[strings.ToLower(s)] || len(ws) > 1 && ws[1] == "all" {
			j.destructive = true
		}
	}
}

// prefixes are segments that stand before the collections.
var prefixes = regexp.MustCompile(`^(api|apis|rest|v[0-9]+([a-z]+[0-9]*)?|public|private|internal|services?|odata|[0-9]+\.[0-9]+|latest|external|admin|svc|gateway|backend)$`)

var identifierLike = regexp.MustCompile(`^([0-9]+|[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{16,}|.*[0-9@=,].*|\([^)]*\)|.*\(.*[0-9'].*\)|me|self|current|default)$`)

func identifier(s string) bool { return identifierLike.MatchString(strings.ToLower(s)) }

// collection reports whether the path names a collection, not one thing in it.
func (j *judge) collection() bool {
	segs := j.segments
	for len(segs) > 0 && prefixes.MatchString(segs[0]) {
		segs = segs[1:]
	}
	if len(segs) == 0 {
		return true
	}
	last := segs[len(segs)-1]
	switch {
	case last == "all" || last == "*" || last == "_all" || strings.Contains(last, "*"):
		return true
	case identifier(last), len(segs) > 1 && identifier(segs[len(segs)-2]) && !strings.HasSuffix(last, "s"), len(segs) > 1 && (segs[len(segs)-2] == "_doc" || segs[len(segs)-2] == "_create"):
		return false
	case len(segs)%2 == 1:
		return true
	}
	before := segs[len(segs)-2]
	return strings.HasSuffix(last, "s") && !identifier(before) && !strings.HasSuffix(before, "s")
}

// changes judges a request that changes something by its method.
func (j *judge) changes() {
	j.changesBy(j.r.Method)
	for _, s := range j.original() {
		ws := words(s)
		joined := strings.Join(ws, "")
		if everything(ws) || strings.HasPrefix(joined, "deleteall") || strings.HasPrefix(joined, "removeall") || joined == "deletebyquery" ||
			joined == "bulkdelete" || joined == "batchdelete" || joined == "deletebulk" || joined == "massdelete" || joined == "deletemany" || joined == "deletebatch" {
			j.destroys(s + " is not bounded by a key")
		}
	}
	for _, s := range j.segments {
		switch s {
		case "actuator", "-":
			j.raise(policy.Dangerous, "steers the server")
		case "quit":
			j.destructive = j.destructive || j.segments[0] == "-"
		case "_cluster", "_settings", "_nodes", "_scripts", "_reindex", "_ingest", "_template", "_close":
			j.raise(policy.Dangerous, s+" steers the server")
		case "_update_by_query":
			j.destroys(s + " is not bounded by a key")
		}
	}
}

// changesBy judges what a method does to all that the path names.
func (j *judge) changesBy(method string) {
	switch method {
	case "DELETE":
		if j.collection() {
			j.destroys("deletes a collection")
		}
	case "PUT", "PATCH":
		if j.collection() && j.plural() && !slices.ContainsFunc(j.segments, identifier) && !j.ofAuthority() {
			j.destroys(method + " of a collection changes all of it")
		}
	}
}

// ofAuthority reports whether the path's last word is a part of what says who may
// do what: the rights of the orders are not the orders.
func (j *judge) ofAuthority() bool {
	n := len(j.segments)
	return n > 1 && authority[j.segments[n-2]] && !prefixes.MatchString(j.segments[n-2])
}

// everything reports whether the words say that something is done to all.
func everything(ws []string) bool {
	for i, w := range ws {
		if (acts[w] || loud[w] || softer[w]) && slices.Contains(ws[i:], "all") {
			return true
		}
	}
	return false
}

// plural reports whether the path's last word names many things.
func (j *judge) plural() bool {
	last := j.segments
	return len(last) > 0 && (strings.HasSuffix(last[len(last)-1], "s") || last[len(last)-1] == "all" || last[len(last)-1] == "bulk") && !strings.HasSuffix(last[len(last)-1], "status") && !strings.HasSuffix(last[len(last)-1], "settings") && !authority[last[len(last)-1]]
}
