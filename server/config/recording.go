package config

import (
	"fmt"
	"net/url"
	"strings"
	"time"
)

const (
	maxLeadBytes  = 16 << 20
	maxLead       = 5 * time.Second
	maxCheckpoint = time.Hour
)

// Recording is how evidence is kept and who can read it.
type Recording struct {
	// Recipients are age public keys (age1...) that can read every transcript
	// besides the bastion itself: auditors, break-glass.
	Recipients []string `yaml:"recipients"`
	// Sealed leaves the bastion without an identity of its own: it cannot read what
	// it records, and search and replay are an auditor's, offline. Needs recipients.
	Sealed bool `yaml:"sealed"`
	// LeadBytes and LeadTime are how far what is typed and shown may run ahead of
	// the disk, whichever comes first. Default 262144 and 50ms; 0 waits for the disk.
	// Operations always wait.
	LeadBytes int      `yaml:"lead_bytes"`
	LeadTime  Duration `yaml:"lead_time"`
	// Interval is how long a commit waits for more of what is typed and shown.
	// Default 20ms.
	Interval Duration `yaml:"interval"`
	// Checkpoint is how old the newest signed checkpoint may be. Default 10s.
	Checkpoint Duration `yaml:"checkpoint"`
	// WitnessFile and WitnessURL get each checkpoint: keep them where this bastion's
	// administrators cannot change them. Default none.
	WitnessFile string `yaml:"witness_file"`
	WitnessURL  string `yaml:"witness_url"`
	// SignCommand signs checkpoints in place of the key file: a program, with
	// arguments, that reads the text on stdin and prints an Ed25519 signature in
	// base64. SignKey is its public key (name+hash+key, as of sumdb/note).
	SignCommand []string `yaml:"sign_command"`
	SignKey     string   `yaml:"sign_key"`
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
	between(fs, "recording.lead_time", r.LeadTime, 0, maxLead)
	between(fs, "recording.interval", r.Interval, time.Millisecond, time.Second)
	between(fs, "recording.checkpoint", r.Checkpoint, 100*time.Millisecond, maxCheckpoint)
	if u, err := url.Parse(r.WitnessURL); r.WitnessURL != "" && (err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http") {
		fs.add("recording.witness_url", "no http or https URL") // not repeated: it may hold a token
	}
	if (len(r.SignCommand) > 0) != (r.SignKey != "") {
		fs.add("recording.sign_key", "sign_command and sign_key belong together")
	}
}
