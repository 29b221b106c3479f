package kubernetes

import (
	"strings"

	"github.com/sallyport/sallyport/policy"
)

func set(text string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(text) {
		m[w] = true
	}
	return m
}

// The resources that are more than an object of some namespace.
var (
	// rights say who may do what.
	rights = set(`roles rolebindings clusterroles clusterrolebindings serviceaccounts certificatesigningrequests podsecuritypolicies securitycontextconstraints
		clustertrustbundles signers users groups identities oauthclients`)
	// structure is the cluster's own shape.
	structure = set(`namespaces customresourcedefinitions persistentvolumes storageclasses csidrivers csinodes volumeattachments volumesnapshotclasses priorityclasses ingressclasses
		runtimeclasses resourcequotas limitranges projects priorityclasses flowschemas prioritylevelconfigurations clusters machines machinesets machinedeployments deviceclasses componentstatuses`)
	// steering decides about every later call, or where calls go.
	steering = set(`mutatingwebhookconfigurations validatingwebhookconfigurations validatingadmissionpolicies validatingadmissionpolicybindings mutatingadmissionpolicies apiservices nodes`)
	// serving are resources whose loss is an outage or loses data.
	serving = set(`deployments statefulsets daemonsets replicasets replicationcontrollers services ingresses ingressroutes gateways httproutes virtualservices persistentvolumeclaims persistentvolumes
		namespaces customresourcedefinitions nodes storageclasses apiservices projects volumesnapshots deploymentconfigs routes machines clusters etcdclusters postgresqls kafkas`)
	// channels are subresources that run code or open a way into a workload.
	channels = set("exec attach portforward proxy ephemeralcontainers binding")
)

// asks are resources that are created only to ask a question.
var asks = set("selfsubjectaccessreviews selfsubjectrulesreviews selfsubjectreviews")

// judge finds the class of a call that is in the API's words.
func (j *judge) judge() {
	c := &j.call
	reads := c.Verb == "get" || c.Verb == "list" || c.Verb == "watch"
	what := c.Verb + " " + c.Resource
	if c.Subresource != "" {
		what += "/" + c.Subresource
	}
	if c.Resource == "" {
		if !reads {
			j.raise(policy.Unknown, "the call names no resource")
		}
		return
	}
	if !reads {
		j.raise(policy.Write, what+" changes the cluster")
	}
	j.subresource(reads, what)
	j.kind(reads, what)
	if c.Verb == "delete" || c.Verb == "deletecollection" {
		j.deletes(what)
	}
}

func (j *judge) subresource(reads bool, what string) {
	c := &j.call
	switch sub := c.Subresource; {
	case sub == "" || reads && (sub == "status" || sub == "scale" || sub == "log" || sub == "resize"):
		if sub == "log" && c.Resource != "pods" {
			j.raise(policy.Dangerous, what+" reads logs of a node")
		}
	case channels[sub]:
		if sub == "ephemeralcontainers" && reads {
			return
		}
		j.raise(policy.Dangerous, what+" runs code in a workload or opens a way into it")
	case c.Resource == "nodes" && sub != "status":
		j.raise(policy.Dangerous, what+" reaches the node's kubelet")
	case sub == "token" || sub == "approval" || sub == "finalize" && c.Resource != "namespaces":
		j.raise(policy.Privilege, what+" makes a credential or approves one")
	case sub == "eviction":
		j.destroys(what + " ends a pod")
	case sub == "finalize":
		j.raise(policy.DDL, what+" ends a namespace")
		j.destructive = true
	case sub == "status" || sub == "scale" || sub == "rollback" || sub == "resize" || sub == "instantiate":
	default:
		if reads {
			j.raise(policy.Privilege, what+" is a subresource that is not known")
		} else {
			j.raise(policy.Unknown, what+" is a subresource that is not known")
		}
	}
}

func (j *judge) kind(reads bool, what string) {
	c := &j.call
	group := strings.HasSuffix(c.Group, ".k8s.io") || c.Group == "" || c.Group == "apps"
	j.credential = j.credential || c.Resource == "secrets" || sealed[c.Resource] || c.Subresource == "token" || strings.Contains(c.Resource, "*") || c.Resource == "all"
	switch {
	case c.Resource == "secrets":
		j.raise(policy.Privilege, what+": secrets are credentials")
	case sealed[c.Resource]:
		j.raise(policy.Privilege, what+": it holds or makes credentials")
	case strings.Contains(c.Resource, "*") || c.Resource == "all" && !reads:
		j.raise(policy.Privilege, what+": secrets may be among them")
	case asks[c.Resource] && group && c.Subresource == "":
		if c.Verb == "create" && j.class == policy.Write { // what else is said of it stays
			j.class, j.why = policy.Read, nil
		}
	case strings.HasSuffix(c.Resource, "reviews") && group:
		j.raise(policy.Privilege, what+" asks about others' rights")
	case reads:
	case c.Resource == "bindings":
		j.raise(policy.Dangerous, what+" decides where a pod runs")
	case rights[c.Resource] || c.Verb == "bind" || c.Verb == "escalate" || c.Verb == "impersonate":
		j.raise(policy.Privilege, what+" changes who may do what")
	case steering[c.Resource]:
		j.raise(policy.Dangerous, what+" decides about every later call, or where pods run")
	case structure[c.Resource]:
		j.raise(policy.DDL, what+" changes the cluster's shape")
	}
}

// sealed are resources of well-known operators that stand for credentials.
var sealed = set("sealedsecrets externalsecrets secretstores clustersecretstores vaultstaticsecrets vaultdynamicsecrets issuers clusterissuers bootstraptokens")

func (j *judge) deletes(what string) {
	c := &j.call
	switch {
	case c.Subresource != "":
	case c.Verb == "deletecollection":
		j.destroys(what + " is not bounded by a name")
	case serving[c.Resource]:
		j.destroys(what + " is an outage or loses data")
	}
}
