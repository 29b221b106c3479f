package postgres

import (
	"strings"

	"github.com/sallyport/sallyport/policy"
)

// credentialRelations hold secrets or say who may do what on other servers.
var credentialRelations = map[string]bool{
	"pg_authid": true, "pg_shadow": true, "pg_user_mapping": true, "pg_user_mappings": true,
	"pg_subscription": true,
}

// fileRelations show files of the database host.
var fileRelations = map[string]bool{"pg_hba_file_rules": true, "pg_file_settings": true, "pg_ident_file_mappings": true}

// systemRelation is the class of reading a relation of pg_catalog.
func systemRelation(name string) (policy.Class, string) {
	if credentialRelations[name] {
		return policy.Privilege, name + " holds credentials"
	}
	if fileRelations[name] {
		return policy.Dangerous, name + " shows files of the database host"
	}
	return policy.Read, ""
}

// structural are the relations of pg_catalog that hold structure, not values of
// tables (pg_stats), other people's statements (pg_stat_activity) or secrets.
const structural = ` pg_aggregate pg_am pg_amop pg_amproc pg_attrdef pg_attribute pg_auth_members
 pg_cast pg_class pg_collation pg_constraint pg_conversion pg_database pg_db_role_setting
 pg_default_acl pg_depend pg_description pg_enum pg_event_trigger pg_extension
 pg_foreign_data_wrapper pg_foreign_table pg_index pg_inherits pg_init_privs pg_language
 pg_namespace pg_opclass pg_operator pg_opfamily pg_partitioned_table pg_policy pg_proc
 pg_publication pg_publication_rel pg_range pg_rewrite pg_seclabel pg_sequence pg_shdepend
 pg_shdescription pg_statistic_ext pg_tablespace pg_transform pg_trigger pg_ts_config
 pg_ts_config_map pg_ts_dict pg_ts_parser pg_ts_template pg_type
 pg_available_extensions pg_group pg_indexes pg_matviews pg_policies pg_publication_tables
 pg_roles pg_rules pg_sequences pg_settings pg_tables pg_timezone_abbrevs pg_timezone_names
 pg_user pg_views `

// systemKind is the kind of a relation of pg_catalog or information_schema as
// masking sees it: those that hold only structure count as plain, all others as
// unknown, which withholds their columns wherever something is masked.
func systemKind(schema, name string) policy.TableKind {
	switch {
	case schema == "information_schema":
		// Its views show names, types and rights; user mapping options excepted.
		if strings.Contains(name, "user_mapping") {
			return policy.TableUnknown
		}
		return policy.TablePlain
	case strings.Contains(structural, " "+name+" "), strings.Contains(structural, " "+name+"\n"):
		return policy.TablePlain
	}
	return policy.TableUnknown
}
