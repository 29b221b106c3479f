package config

import (
	"fmt"
	"net/url"
	"strings"
)

// Audit is one place that is told what happens. Exactly one of File, Syslog and
// Webhook is set.
type Audit struct {
	// File is appended to, mode 0600; a hangup signal and a file that was moved
	// away make it be opened anew.
	File string `yaml:"file"`
	// Syslog is udp://host:514, tcp://host:601, tls://host:6514 or
	// unix:///dev/log (RFC 5424).
	Syslog string `yaml:"syslog"`
	// Webhook is an HTTPS endpoint.
	Webhook *Webhook `yaml:"webhook"`
	// Statements tells operations as typed; without it, their SHA-256. Default false.
	Statements bool `yaml:"statements"`
}

// Webhook is an HTTPS endpoint that is posted batches of JSON Lines.
type Webhook struct {
	// URL is https, or http on loopback. Required.
	URL string `yaml:"url"`
	// Headers are sent with each request, by reference, as Authorization.
	Headers map[string]Ref `yaml:"headers"`
}

func (c *Config) audit(fs *Faults) {
	seen := map[string]bool{}
	for i, a := range c.Audit {
		path := fmt.Sprintf("audit[%d]", i)
		target := "file " + a.File
		given := 0
		if a.File != "" {
			given++
			if !printable(a.File) {
				fs.add(path+".file", "the path holds characters that cannot be printed")
			}
		}
		if a.Syslog != "" {
			given++
			target = "syslog " + a.Syslog
			syslogAddress(fs, path+".syslog", a.Syslog)
		}
		if a.Webhook != nil {
			given++
			target = "webhook " + a.Webhook.URL
			a.Webhook.validate(fs, path+".webhook")
		}
		if given != 1 {
			fs.add(path, "exactly one of file, syslog and webhook is needed")
		} else if seen[target] {
			fs.add(path, "this place is told already")
		}
		seen[target] = true
	}
}

func syslogAddress(fs *Faults, path, s string) {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		fs.add(path, "no address: udp://host:514, tcp://host:601, tls://host:6514 or unix:///dev/log")
	case u.Scheme == "unix" && u.Host == "" && strings.HasPrefix(u.Path, "/"):
	case u.Scheme != "udp" && u.Scheme != "tcp" && u.Scheme != "tls":
		fs.add(path, "no address: udp://host:514, tcp://host:601, tls://host:6514 or unix:///dev/log")
	case u.Path != "" || !hostText(u.Hostname()) || !portNumber(u.Port(), 1):
		fs.add(path, "host and port are needed: udp://host:514")
	}
}

func (w *Webhook) validate(fs *Faults, path string) {
	u, err := url.Parse(w.URL)
	switch { // the URL is not repeated: it may hold a token
	case err != nil || u.Hostname() == "" || u.User != nil || u.Fragment != "":
		fs.add(path+".url", "no URL: https://siem.company/path")
	case u.Scheme == "http" && loopback(u.Hostname()):
	case u.Scheme != "https":
		fs.add(path+".url", "no https URL; http is for loopback")
	}
	for name, ref := range w.Headers {
		at := path + ".headers." + name
		if name == "" || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("\"(),/:;<=>?@[\\]{}", r) }) {
			fs.add(at, "%q is no name of a header", name)
		}
		ref.validate(fs, at)
	}
}

func (a *Audit) anchor(dir string) {
	from(dir, &a.File)
	if a.Webhook == nil {
		return
	}
	for name, ref := range a.Webhook.Headers {
		from(dir, &ref.File)
		a.Webhook.Headers[name] = ref
	}
}
