package shellfacts

import (
	"regexp"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/policy"
)

// curlValues are curl's short options that take a value, curlLongs its long ones
// that matter here.
const curlValues = "AbcCdDeEFhHKmoPQrtTuUwxXyYz"

var curlLongs = strings.Fields(`--request --data --data-raw --data-binary --data-ascii --data-urlencode --json --form --form-string --upload-file --output --output-dir --config
	--header --user --user-agent --url --connect-timeout --max-time --retry --proxy --cookie --cookie-jar --cacert --cert --key --resolve --write-out --dump-header --range --referer
	--interface --unix-socket --netrc-file --trace --trace-ascii --stderr --mail-from --mail-rcpt --quote --proxy-user --limit-rate --max-redirs --etag-save --hsts --alt-svc --libcurl --variable --connect-to --engine`)

func (c *call) curl() {
	options, rest := c.split(curlValues, curlLongs, false)
	get := func(names ...string) (all []arg) {
		for _, n := range names {
			all = append(all, options[n]...)
		}
		return all
	}
	if len(get("-K", "--config", "--engine")) > 0 {
		c.unknown("curl reads options from a file that is not in the text")
	}
	for _, o := range get("-o", "--output", "-D", "--dump-header", "-c", "--cookie-jar", "--trace", "--trace-ascii", "--stderr", "--etag-save", "--hsts", "--alt-svc", "--libcurl") {
		if o.text != "-" && !harmlessSink(o.text) {
			c.is(policy.Write, "curl writes a file")
			c.touches(o)
		}
	}
	if has(options, "-O", "-J", "--remote-name", "--remote-name-all", "--remote-header-name") {
		c.is(policy.Write, "curl writes files")
	}
	body := get("-d", "--data", "--data-raw", "--data-binary", "--data-ascii", "--data-urlencode", "--json", "-F", "--form", "--form-string", "-T", "--upload-file")
	for _, b := range body {
		if i := strings.IndexAny(b.text, "@<"); i >= 0 || has(options, "-T", "--upload-file") {
			c.is(policy.Dangerous, "curl sends a file away")
			c.reads(b)
		}
	}
	if len(body) > 0 && !has(options, "-G", "--get") {
		c.is(policy.Write, "curl sends data")
	}
	for _, m := range get("-X", "--request") {
		c.method(m)
	}
	if has(options, "-u", "--user", "-n", "--netrc", "--netrc-file") {
		c.s.j.unseen = true
	}
	for _, q := range get("-Q", "--quote") {
		c.is(policy.Dangerous, "curl gives the server the command "+q.text)
	}
	if !has(options, "-V", "--version", "-h", "--help") {
		c.urls(append(rest, options["--url"]...))
	}
}

func (c *call) method(m arg) {
	switch strings.ToUpper(m.text) {
	case "GET", "HEAD", "OPTIONS":
	case "DELETE":
		c.is(policy.Write, "curl deletes at the other end")
	case "":
		c.unknown("the method is only known when it runs")
	default:
		c.is(policy.Write, "curl changes something at the other end")
	}
}

// inside are addresses that only the host itself should reach.
var inside = regexp.MustCompile(`(?i)^(file|gopher|dict|ftp|ftps|tftp|ldap|ldaps|smb|smbs|scp|sftp|telnet|imap|smtp|pop3|rtsp|mqtt)s?:|169\.254\.|metadata\.google|metadata\.azure|fd00:ec2|100\.100\.100\.200|^(https?://)?(2852039166|0x[0-9a-f]{8}|0xa9\.)|\[::ffff:`)

func (c *call) urls(list []arg) {
	for _, u := range list {
		if inside.MatchString(u.text) {
			c.is(policy.Dangerous, "reaches "+u.text+", which no other should")
		}
	}
}

func (c *call) wget() {
	options, rest := c.split("eoaiOUPtTwQBlARDXI", strings.Fields("--output-document --output-file --append-output --input-file --post-data --post-file --method --body-data --body-file --execute --config --header --user --password --tries --timeout --directory-prefix --use-askpass --user-agent --ca-certificate"), false)
	if has(options, "-e", "--execute", "--config", "--use-askpass") {
		c.is(policy.Dangerous, "wget reads a configuration, which can run programs")
	}
	if has(options, "-i", "--input-file") {
		c.s.j.unseen = true
	}
	if has(options, "--post-file", "--body-file") {
		c.is(policy.Dangerous, "wget sends a file away")
		c.reads(slices.Concat(options["--post-file"], options["--body-file"])[0])
	}
	if has(options, "--post-data", "--body-data") {
		c.is(policy.Write, "wget sends data")
	}
	for _, m := range options["--method"] {
		c.method(m)
	}
	out := slices.Concat(options["-O"], options["--output-document"])
	shown := has(options, "--spider", "-V", "--version") || len(out) > 0 && !slices.ContainsFunc(out, func(a arg) bool { return a.text != "-" && !harmlessSink(a.text) })
	if !shown && len(rest) > 0 {
		c.is(policy.Write, "wget writes files")
	}
	for _, o := range out {
		if o.text != "-" && !harmlessSink(o.text) {
			c.touches(o)
		}
	}
	c.urls(rest)
}

func (c *call) ssh() {
	if len(c.args) == 1 && c.args[0].text == "-V" {
		return
	}
	options, rest := c.split("BbcDEeFIiJLlmOopQRSWw", nil, true)
	if has(options, "-Q") {
		return
	}
	c.is(policy.Dangerous, "opens a connection to another host")
	for _, o := range options["-o"] {
		c.embedded(o.text)
	}
	if len(rest) > 1 {
		c.words(rest[1:])
	}
}

// statements of database programs: enough to tell the destructive ones; the
// class is that of a connection past the gate.
var (
	sqlDestroys = regexp.MustCompile(`(?is)\b(drop|truncate)\b|dropDatabase|\.drop\(|delete(Many|One)?\(\s*\{\s*\}|\bdelete\s+from\s+\S+\s*(;|$|where\s+(true|1\s*=\s*1))|\bupdate\s+\S+\s+set\b`)
	sqlWhere    = regexp.MustCompile(`(?is)\bwhere\b`)
)

func (c *call) database() {
	if len(c.args) == 1 && slices.Contains([]string{"-V", "-l", "--list"}, c.args[0].text) {
		return
	}
	c.is(policy.Dangerous, c.name+" reaches a database past the gate, and can run programs")
	all := texts(c.args)
	if c.in.known {
		all = append(all, c.in.text)
	}
	for _, t := range all {
		if sqlDestroys.MatchString(t) && !(strings.Contains(strings.ToLower(t), "update") && sqlWhere.MatchString(t)) {
			c.destroys(policy.Dangerous, "the statement loses data")
		}
		c.embedded(t)
	}
}

// kubectl on a host acts as whoever that host is in the cluster.
func (c *call) kubectl() {
	c.listed(nil)
	all := texts(c.args)
	for i := range c.args[:min(len(c.args), maxBeginnings)] {
		if !c.s.j.aside && slices.Contains(all, "exec") && destroyingProgram(c.args[i:]) {
			c.destroys(policy.Dangerous, "the program in the workload deletes or kills")
		}
	}
	for _, a := range all {
		kind, _, _ := strings.Cut(strings.ToLower(a), "/")
		if slices.ContainsFunc(strings.Split(kind, ","), func(k string) bool { return k == "secret" || k == "secrets" }) {
			c.is(policy.Privilege, "reads or changes secrets of the cluster")
		}
		if strings.HasPrefix(a, "--replicas=0") {
			c.destroys(policy.Write, "scales to nothing")
		}
	}
}
