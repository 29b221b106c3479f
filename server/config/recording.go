package config

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/sallyport/sallyport/policy"
)

const (
	maxLeadBytes  = 16 << 20
	maxLead       = 5 * time.Second
	maxCheckpoint = time.Hour
	minKeep       = 24 * time.Hour
	maxKeep       = 100 * 365 * 24 * time.Hour
)

// Recording is how evidence is kept and who can read it.
type Recording struct {
	// Recipients are age public keys (age1...) that can read every transcript
	// besides the bastion itself: auditors, break-glass.
	Recipients []string `yaml:"recipients"`
	// Sealed leaves the bastion without an identity of its own: it cannot read what
	// it records, and search and replay are an auditor's, offline. Needs recipients.
	Sealed bool `yaml:"sealed"`
	// LeadBytes is how far what is typed and shown may run ahead of the disk, in
	// bytes. Default 262144; 0 waits for the disk. Operations always wait.
	LeadBytes int `yaml:"lead_bytes"`
	// LeadTime is how far it may run ahead in time, where that is reached first.
	// Default 50ms; 0 waits for the disk.
	LeadTime Duration `yaml:"lead_time"`
	// Interval is how long a commit waits for more of what is typed and shown.
	// Default 20ms.
	Interval Duration `yaml:"interval"`
	// ResultBytes is how much of one answer, or of one command's output, is kept; of
	// what goes beyond, sizes and SHA-256 are. Terminals are always kept. Default 0,
	// which keeps everything.
	ResultBytes int64 `yaml:"result_bytes"`
	// Checkpoint is how old the newest signed checkpoint may be. Default 10s.
	Checkpoint Duration `yaml:"checkpoint"`
	// WitnessFile gets each checkpoint: keep it where this bastion's administrators
	// cannot change it. Default none.
	WitnessFile string `yaml:"witness_file"`
	// WitnessURL is posted each checkpoint, as WitnessFile. Default none.
	WitnessURL string `yaml:"witness_url"`
	// SignCommand signs checkpoints in place of the key file: a program, with
	// arguments, that reads the text on stdin and prints an Ed25519 signature in
	// base64.
	SignCommand []string `yaml:"sign_command"`
	// SignKey is the public key of SignCommand: name+hash+key, as of sumdb/note.
	SignKey string `yaml:"sign_key"`
	// Keep is how long transcripts are kept after their end, as 365d, unless a rule
	// of retention picks their resource. Default 0, which is for ever.
	Keep Duration `yaml:"keep"`
	// KeepOwn is how long the bastion's own transcripts are kept: sign-ins, acts of
	// administration. Default 0, which is for ever.
	KeepOwn Duration `yaml:"keep_own"`
	// Retention are rules for some resources: the first that picks one counts. For
	// a resource that is no more, labels are not known: then the longest counts of
	// all that may have picked it.
	Retention []Retain `yaml:"retention"`
}

// Retain is how long transcripts of some resources are kept.
type Retain struct {
	// Name is what the rule is called, in tombstones. Required.
	Name string `yaml:"name"`
	// Resources picks the resources. Required.
	Resources policy.Selector `yaml:"resources"`
	// Keep is how long, from a transcript's end on, as 90d; 0 is for ever. Required.
	Keep *Duration `yaml:"keep"`
}

func (r *Recording) retention(fs *Faults) {
	keep := func(path string, d Duration) {
		if d != 0 {
			between(fs, path, d, minKeep, maxKeep)
		}
	}
	keep("recording.keep", r.Keep)
	keep("recording.keep_own", r.KeepOwn)
	seen := map[string]bool{}
	for i, rule := range r.Retention {
		path := fmt.Sprintf("recording.retention[%d]", i)
		text(fs, path+".name", rule.Name)
		switch {
		case rule.Name == "":
			fs.add(path, "a name is needed: it stands in tombstones")
		case seen[rule.Name]:
			fs.add(path+".name", "%q is the name of another rule", rule.Name)
		}
		seen[rule.Name] = true
		if rule.Resources.Empty() {
			fs.add(path, "resources is needed: names, kinds or labels")
		}
		if rule.Keep == nil {
			fs.add(path, "keep is needed: 90d, or 0 for ever")
			continue
		}
		keep(path+".keep", *rule.Keep)
	}
}

func (r *Recording) validate(fs *Faults) {
	for i, s := range r.Recipients {
		if !strings.HasPrefix(s, "age1") {
			fs.add(fmt.Sprintf("recording.recipients[%d]", i), "%q is no age public key: age1...", s)
		}
	}
	if r.Sealed && len(r.Recipients) == 0 {
		fs.add("recording.sealed", "sealed transcripts need recipients: nobody else could ever read them")
	}
	if r.LeadBytes < 0 || r.LeadBytes > maxLeadBytes {
		fs.add("recording.lead_bytes", "%d is not between 0 and %d", r.LeadBytes, maxLeadBytes)
	}
	if r.ResultBytes < 0 {
		fs.add("recording.result_bytes", "%d is negative; 0 keeps everything", r.ResultBytes)
	}
	between(fs, "recording.lead_time", r.LeadTime, 0, maxLead)
	between(fs, "recording.interval", r.Interval, time.Millisecond, time.Second)
	between(fs, "recording.checkpoint", r.Checkpoint, 100*time.Millisecond, maxCheckpoint)
	if u, err := url.Parse(r.WitnessURL); r.WitnessURL != "" && (err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http") {
		fs.add("recording.witness_url", "no http or https URL") // not repeated: it may hold a token
	}
	if (len(r.SignCommand) > 0) != (r.SignKey != "") {
		fs.add("recording.sign_key", "sign_command and sign_key belong together")
	}
	r.retention(fs)
}
