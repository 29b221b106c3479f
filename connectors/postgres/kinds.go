package postgres

import (
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/sallyport/sallyport/policy"
)

// kind is what a kind of statement is by itself; utility.go and rows.go look
// closer at those where it depends.
type kind struct {
	verb     string
	class    policy.Class
	destroys string // why it is always destructive
	copies   string // the form's name, see policy.Facts.Copies
	alone    bool   // cannot run within a transaction
}

const (
	lossOfObject = "drops an object with all it holds"
	opaqueBlock  = "runs code that cannot be judged"
)

// kinds lists every statement of the grammar that is known. What is not here
// is Unknown.
var kinds = map[protoreflect.Name]kind{
	"SelectStmt":           {verb: "SELECT", class: policy.Read},
	"ExplainStmt":          {verb: "EXPLAIN", class: policy.Read},
	"VariableShowStmt":     {verb: "SHOW", class: policy.Read},
	"VariableSetStmt":      {verb: "SET", class: policy.Read},
	"TransactionStmt":      {verb: "TRANSACTION", class: policy.Read},
	"ConstraintsSetStmt":   {verb: "SET CONSTRAINTS", class: policy.Read},
	"FetchStmt":            {verb: "FETCH", class: policy.Read},
	"ClosePortalStmt":      {verb: "CLOSE", class: policy.Read},
	"DeallocateStmt":       {verb: "DEALLOCATE", class: policy.Read},
	"ListenStmt":           {verb: "LISTEN", class: policy.Read},
	"UnlistenStmt":         {verb: "UNLISTEN", class: policy.Read},
	"PrepareStmt":          {verb: "PREPARE", class: policy.Read, copies: "PREPARE"},
	"DeclareCursorStmt":    {verb: "DECLARE", class: policy.Read, copies: "DECLARE"},
	"ExecuteStmt":          {verb: "EXECUTE", class: policy.Read},
	"CopyStmt":             {verb: "COPY", class: policy.Read, copies: "COPY"},
	"InsertStmt":           {verb: "INSERT", class: policy.Write},
	"UpdateStmt":           {verb: "UPDATE", class: policy.Write},
	"DeleteStmt":           {verb: "DELETE", class: policy.Write},
	"MergeStmt":            {verb: "MERGE", class: policy.Write},
	"NotifyStmt":           {verb: "NOTIFY", class: policy.Write},
	"TruncateStmt":         {verb: "TRUNCATE", class: policy.Write, destroys: "removes every row"},
	"LockStmt":             {verb: "LOCK", class: policy.Dangerous},
	"DoStmt":               {verb: "DO", class: policy.Dangerous, copies: "DO"},
	"CallStmt":             {verb: "CALL", class: policy.Dangerous, copies: "CALL"},
	"LoadStmt":             {verb: "LOAD", class: policy.Dangerous},
	"CheckPointStmt":       {verb: "CHECKPOINT", class: policy.Dangerous},
	"AlterSystemStmt":      {verb: "ALTER SYSTEM", class: policy.Dangerous, alone: true},
	"DiscardStmt":          {verb: "DISCARD", class: policy.Read, alone: true},
	"AlterOwnerStmt":       {verb: "ALTER OWNER", class: policy.Privilege},
	"ReassignOwnedStmt":    {verb: "REASSIGN OWNED", class: policy.Privilege},
	"DropOwnedStmt":        {verb: "DROP OWNED", class: policy.Privilege, destroys: lossOfObject},
	"GrantStmt":            {verb: "GRANT", class: policy.Privilege},
	"GrantRoleStmt":        {verb: "GRANT", class: policy.Privilege},
	"CreateRoleStmt":       {verb: "CREATE ROLE", class: policy.Privilege},
	"AlterRoleStmt":        {verb: "ALTER ROLE", class: policy.Privilege},
	"AlterRoleSetStmt":     {verb: "ALTER ROLE", class: policy.Privilege},
	"DropRoleStmt":         {verb: "DROP ROLE", class: policy.Privilege, destroys: lossOfObject},
	"CreatePolicyStmt":     {verb: "CREATE POLICY", class: policy.Privilege},
	"AlterPolicyStmt":      {verb: "ALTER POLICY", class: policy.Privilege},
	"SecLabelStmt":         {verb: "SECURITY LABEL", class: policy.Privilege},
	"AlterDatabaseSetStmt": {verb: "ALTER DATABASE", class: policy.Privilege},

	"AlterDefaultPrivilegesStmt": {verb: "ALTER DEFAULT PRIVILEGES", class: policy.Privilege},

	"CreateUserMappingStmt":      {verb: "CREATE USER MAPPING", class: policy.Dangerous},
	"AlterUserMappingStmt":       {verb: "ALTER USER MAPPING", class: policy.Dangerous},
	"DropUserMappingStmt":        {verb: "DROP USER MAPPING", class: policy.Privilege, destroys: lossOfObject},
	"CreateExtensionStmt":        {verb: "CREATE EXTENSION", class: policy.Dangerous},
	"AlterExtensionStmt":         {verb: "ALTER EXTENSION", class: policy.Dangerous},
	"AlterExtensionContentsStmt": {verb: "ALTER EXTENSION", class: policy.Dangerous},
	"CreatePLangStmt":            {verb: "CREATE LANGUAGE", class: policy.Dangerous},
	"CreateEventTrigStmt":        {verb: "CREATE EVENT TRIGGER", class: policy.Dangerous, copies: "CREATE EVENT TRIGGER"},
	"AlterEventTrigStmt":         {verb: "ALTER EVENT TRIGGER", class: policy.Dangerous},
	"CreateFdwStmt":              {verb: "CREATE FOREIGN DATA WRAPPER", class: policy.Dangerous},
	"AlterFdwStmt":               {verb: "ALTER FOREIGN DATA WRAPPER", class: policy.Dangerous},
	"CreateForeignServerStmt":    {verb: "CREATE SERVER", class: policy.Dangerous},
	"AlterForeignServerStmt":     {verb: "ALTER SERVER", class: policy.Dangerous},
	"CreateForeignTableStmt":     {verb: "CREATE FOREIGN TABLE", class: policy.Dangerous},
	"ImportForeignSchemaStmt":    {verb: "IMPORT FOREIGN SCHEMA", class: policy.Dangerous},
	"CreateSubscriptionStmt":     {verb: "CREATE SUBSCRIPTION", class: policy.Dangerous, alone: true},
	"AlterSubscriptionStmt":      {verb: "ALTER SUBSCRIPTION", class: policy.Dangerous, alone: true},
	"DropSubscriptionStmt":       {verb: "DROP SUBSCRIPTION", class: policy.Dangerous, destroys: lossOfObject, alone: true},
	"CreateTableSpaceStmt":       {verb: "CREATE TABLESPACE", class: policy.Dangerous, alone: true},
	"DropTableSpaceStmt":         {verb: "DROP TABLESPACE", class: policy.Dangerous, destroys: lossOfObject, alone: true},
	"AlterTableSpaceOptionsStmt": {verb: "ALTER TABLESPACE", class: policy.DDL},
	"CreateAmStmt":               {verb: "CREATE ACCESS METHOD", class: policy.Dangerous},

	"CreateTableAsStmt":        {verb: "CREATE TABLE AS", class: policy.DDL, copies: "CREATE AS"},
	"ViewStmt":                 {verb: "CREATE VIEW", class: policy.DDL, copies: "CREATE VIEW"},
	"RuleStmt":                 {verb: "CREATE RULE", class: policy.Privilege, copies: "CREATE RULE"},
	"CreateTrigStmt":           {verb: "CREATE TRIGGER", class: policy.DDL, copies: "CREATE TRIGGER"},
	"CreateFunctionStmt":       {verb: "CREATE FUNCTION", class: policy.DDL, copies: "CREATE FUNCTION"},
	"RenameStmt":               {verb: "ALTER RENAME", class: policy.DDL, copies: "RENAME"},
	"AlterObjectSchemaStmt":    {verb: "ALTER SET SCHEMA", class: policy.DDL, copies: "SET SCHEMA"},
	"RefreshMatViewStmt":       {verb: "REFRESH MATERIALIZED VIEW", class: policy.DDL, copies: "REFRESH"},
	"CreatePublicationStmt":    {verb: "CREATE PUBLICATION", class: policy.Privilege, copies: "CREATE PUBLICATION"},
	"AlterPublicationStmt":     {verb: "ALTER PUBLICATION", class: policy.Privilege, copies: "ALTER PUBLICATION"},
	"CreateStmt":               {verb: "CREATE TABLE", class: policy.DDL},
	"AlterTableStmt":           {verb: "ALTER TABLE", class: policy.DDL},
	"AlterTableMoveAllStmt":    {verb: "ALTER TABLE", class: policy.DDL},
	"IndexStmt":                {verb: "CREATE INDEX", class: policy.DDL},
	"DropStmt":                 {verb: "DROP", class: policy.DDL, destroys: lossOfObject},
	"CreatedbStmt":             {verb: "CREATE DATABASE", class: policy.DDL, alone: true},
	"DropdbStmt":               {verb: "DROP DATABASE", class: policy.DDL, destroys: lossOfObject, alone: true},
	"AlterDatabaseStmt":        {verb: "ALTER DATABASE", class: policy.DDL, alone: true},
	"VacuumStmt":               {verb: "VACUUM", class: policy.DDL},
	"ClusterStmt":              {verb: "CLUSTER", class: policy.DDL, alone: true},
	"ReindexStmt":              {verb: "REINDEX", class: policy.DDL},
	"CommentStmt":              {verb: "COMMENT", class: policy.DDL},
	"CreateSchemaStmt":         {verb: "CREATE SCHEMA", class: policy.DDL},
	"CreateSeqStmt":            {verb: "CREATE SEQUENCE", class: policy.DDL},
	"AlterSeqStmt":             {verb: "ALTER SEQUENCE", class: policy.DDL},
	"CreateDomainStmt":         {verb: "CREATE DOMAIN", class: policy.DDL},
	"AlterDomainStmt":          {verb: "ALTER DOMAIN", class: policy.DDL},
	"CreateEnumStmt":           {verb: "CREATE TYPE", class: policy.DDL},
	"AlterEnumStmt":            {verb: "ALTER TYPE", class: policy.DDL},
	"CreateRangeStmt":          {verb: "CREATE TYPE", class: policy.DDL},
	"CompositeTypeStmt":        {verb: "CREATE TYPE", class: policy.DDL},
	"AlterTypeStmt":            {verb: "ALTER TYPE", class: policy.DDL},
	"DefineStmt":               {verb: "CREATE", class: policy.DDL, copies: "CREATE AGGREGATE, OPERATOR or TYPE"},
	"CreateCastStmt":           {verb: "CREATE CAST", class: policy.DDL, copies: "CREATE CAST"},
	"CreateConversionStmt":     {verb: "CREATE CONVERSION", class: policy.DDL, copies: "CREATE CONVERSION"},
	"CreateTransformStmt":      {verb: "CREATE TRANSFORM", class: policy.DDL, copies: "CREATE TRANSFORM"},
	"CreateOpClassStmt":        {verb: "CREATE OPERATOR CLASS", class: policy.DDL, copies: "CREATE OPERATOR CLASS"},
	"CreateOpFamilyStmt":       {verb: "CREATE OPERATOR FAMILY", class: policy.DDL},
	"CreateStatsStmt":          {verb: "CREATE STATISTICS", class: policy.DDL},
	"AlterStatsStmt":           {verb: "ALTER STATISTICS", class: policy.DDL},
	"AlterFunctionStmt":        {verb: "ALTER FUNCTION", class: policy.Privilege},
	"AlterCollationStmt":       {verb: "ALTER COLLATION", class: policy.DDL},
	"AlterOpFamilyStmt":        {verb: "ALTER OPERATOR FAMILY", class: policy.DDL},
	"AlterOperatorStmt":        {verb: "ALTER OPERATOR", class: policy.DDL},
	"AlterObjectDependsStmt":   {verb: "ALTER DEPENDS", class: policy.DDL},
	"AlterTSConfigurationStmt": {verb: "ALTER TEXT SEARCH", class: policy.DDL},
	"AlterTSDictionaryStmt":    {verb: "ALTER TEXT SEARCH", class: policy.DDL},
	"ReplicaIdentityStmt":      {verb: "ALTER TABLE", class: policy.DDL},

	"AlterDatabaseRefreshCollStmt": {verb: "ALTER DATABASE", class: policy.DDL},
}
