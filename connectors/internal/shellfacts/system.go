package shellfacts

import (
	"regexp"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/policy"
)

// mild are signals that ask a program to do something else than to end.
var mild = regexp.MustCompile(`^-(-?s(ignal)?=?)?(SIG)?(HUP|1|USR1|USR2|10|12|WINCH|28|CONT|18|URG|CHLD|INFO)$`)

func (c *call) kill() {
	var targets []arg
	signal := ""
	for i, a := range c.args {
		t := a.text
		switch {
		case t == "-l" || t == "-L" || t == "--list" || t == "--table":
			return
		case i == 0 && strings.HasPrefix(t, "-") && t != "--":
			signal = t
		case i == 1 && (signal == "-s" || signal == "-n" || signal == "--signal"):
			signal = "-" + strings.TrimPrefix(t, "-")
		case t != "--":
			targets = append(targets, a)
		}
	}
	switch {
	case signal == "-0":
		return
	case mild.MatchString(signal) && !slices.ContainsFunc(targets, func(a arg) bool { return strings.HasPrefix(a.text, "-") }):
		c.is(policy.Dangerous, "sends a signal")
	default:
		c.destroys(policy.Dangerous, "ends processes")
	}
}

func (c *call) kills() {
	for _, a := range c.args {
		if a.text == "-l" || a.text == "--list" || a.text == "-0" {
			return
		}
	}
	if len(c.args) > 0 && mild.MatchString(c.args[0].text) {
		c.is(policy.Dangerous, "sends a signal to every process of a name")
		return
	}
	c.destroys(policy.Dangerous, "ends every process of a name")
}

func (c *call) systemctl() {
	if len(c.args) == 0 {
		return
	}
	if !c.args[0].known {
		c.unknown("what systemctl does is only known when it runs")
	}
	c.listed(nil)
}

// service is service NAME VERB and /etc/init.d's like.
func (c *call) service() {
	if t := tools()["service"]; t.looks[0].holds(c.args, nil) {
		return
	}
	if len(c.args) < 2 || !c.args[1].known {
		c.unknown("what the service does is only known when it runs")
		return
	}
	switch c.args[1].text {
	case "status":
	case "reload", "force-reload":
		c.is(policy.Write, "reloads a service")
	case "start":
		c.is(policy.Dangerous, "starts a service")
	default:
		c.destroys(policy.Dangerous, "interrupts a service")
	}
}

func (c *call) shutdown() {
	if len(c.args) == 1 && (c.args[0].text == "-c" || c.args[0].text == "--show") {
		c.is(policy.Write, "calls a shutdown off")
		return
	}
	c.destroys(policy.Dangerous, "stops the machine")
}

// ipShows are words with which ip only shows.
var ipShows = set("show list ls s l sh get help")

func (c *call) ip() {
	if t := tools()["ip"]; slices.ContainsFunc(c.args, func(a arg) bool { return slices.Contains(t.bad, a.text) }) {
		c.is(policy.Dangerous, "ip runs commands")
		return
	}
	words := operands(c.args, tools()["ip"].values)
	if len(words) < 2 || words[1].known && (ipShows[words[1].text] || words[1].text == "monitor") || words[0].text == "monitor" {
		return
	}
	if strings.HasPrefix(words[0].text, "netns") && words[1].text == "exec" && len(words) > 3 {
		c.is(policy.Dangerous, "runs a program in a namespace")
		c.then(words[3:], c.in)
		return
	}
	if v := words[1].text; strings.HasPrefix(v, "del") || strings.HasPrefix(v, "f") || slices.ContainsFunc(words, func(a arg) bool { return a.text == "down" }) {
		c.destroys(policy.Dangerous, "cuts off the network")
		return
	}
	c.is(policy.Dangerous, "changes the network")
}

func (c *call) iptables() {
	c.listed(table()[c.name])
	if c.own.class == policy.Read {
		return
	}
	for _, a := range c.args {
		if a.text == "-F" || a.text == "--flush" || a.text == "-X" || a.text == "-P" || a.text == "--policy" {
			c.destroys(policy.Dangerous, "drops the whole rule set or changes its policy")
		}
	}
}

func (c *call) sysctl() {
	for _, a := range c.args {
		t := a.text
		if !a.known || strings.Contains(t, "=") && !strings.HasPrefix(t, "--pattern") || t == "-w" || t == "-p" || strings.HasPrefix(t, "--write") || strings.HasPrefix(t, "--load") || t == "--system" || t == "-f" {
			c.is(policy.Dangerous, "sysctl changes the kernel")
			return
		}
	}
}

func (c *call) crontab() {
	options, rest := c.split("u", nil, false)
	switch {
	case has(options, "-r"):
		c.destroys(policy.Dangerous, "deletes every job")
	case has(options, "-l") && len(rest) == 0:
		if has(options, "-u") {
			c.is(policy.Privilege, "reads another user's jobs")
		}
	default:
		c.is(policy.Dangerous, "crontab makes programs run by themselves")
	}
}

func (c *call) getent() {
	words := operands(c.args, nil)
	if len(words) == 0 || !words[0].known || strings.Contains(words[0].text, "shadow") {
		c.is(policy.Privilege, "reads password hashes")
	}
}

// docker judges what a container is given, and the command that runs in it.
func (c *call) docker() {
	words := operands(c.args, tools()[c.name].values)
	verb := ""
	if len(words) > 0 {
		verb = words[0].text
	}
	if len(words) > 1 && (verb == "container" || verb == "compose") {
		words = words[1:]
		verb = words[0].text
	}
	if verb == "run" || verb == "exec" {
		c.is(policy.Dangerous, c.name+" "+verb+" runs a program in a container")
		for i := range c.args[:min(len(c.args), maxBeginnings)] { // where the command begins depends on options
			if !c.s.j.aside && destroyingProgram(c.args[i:]) {
				c.destroys(policy.Dangerous, "the program in the container deletes or kills")
			}
		}
		return
	}
	c.listed(nil)
	if verb == "rm" || verb == "rmi" {
		c.own.destructive = true
	}
}

// maxBeginnings is how many words are tried as the beginning of a command.
const maxBeginnings = 64

// destroyingProgram judges words as a command, aside.
func destroyingProgram(words []arg) bool {
	if !words[0].known || handlers()[base(words[0].text)] == nil && table()[base(words[0].text)] == nil {
		return false
	}
	j := &judge{facts: policy.Facts{Class: policy.Read}, aside: true}
	newScope(j).run(words, feed{set: true})
	return j.facts.Destructive
}

// opensslLooks are openssl's commands that show certificates.
var opensslLooks = set("version ciphers list errstr speed dgst x509 verify s_client crl asn1parse prime rand")

// openssl shows certificates and probes servers, or handles keys.
func (c *call) openssl() {
	words := texts(c.args)
	bad := slices.ContainsFunc(words, func(w string) bool {
		return strings.HasPrefix(w, "-engine") || strings.HasPrefix(w, "-provider") || w == "-config" || w == "-sign" || w == "-hmac" || w == "-signkey" || w == "-CAkey"
	})
	switch {
	case len(words) == 0 || !opensslLooks[words[0]] || bad:
		c.is(policy.Privilege, "openssl handles keys")
		if bad || len(words) == 0 {
			c.is(policy.Dangerous, "openssl loads code, or signs")
		}
	case words[0] == "s_client" && c.in.set && !c.in.known:
		c.is(policy.Dangerous, "sends its input to another host")
	}
	for i, w := range words {
		if w == "-out" && i+1 < len(c.args) {
			c.s.written(c.args[i+1], false)
		}
		if w == "-in" && i+1 < len(c.args) && !strings.HasSuffix(words[i+1], ".pem") {
			c.reads(c.args[i+1])
		}
	}
}

func (c *call) nginx() {
	for i, a := range c.args {
		signal := strings.TrimPrefix(a.text, "-s")
		if a.text == "-s" && i+1 < len(c.args) {
			signal = c.args[i+1].text
		}
		if signal == "stop" || signal == "quit" {
			c.destroys(policy.Dangerous, "stops the web server")
		}
	}
	c.listed(table()["nginx"])
}

// interfaces is what can take a network interface down.
func (c *call) interfaces() {
	c.listed(table()[c.name])
	for _, w := range texts(c.args) {
		if w == "down" || w == "off" || w == "disconnect" || w == "delete" {
			c.destroys(policy.Dangerous, "cuts off the network")
		}
	}
}

func (c *call) parted() {
	if rest := operands(c.args, nil); len(rest) == 2 && rest[1].text == "print" {
		return
	}
	c.listed(table()["parted"])
	for _, w := range texts(c.args) {
		switch w {
		case "rm", "mklabel", "mktable", "mkpart", "resizepart", "rescue":
			c.destroys(policy.Dangerous, "changes the partitions of a disk")
		}
	}
}
