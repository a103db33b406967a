# From plenum.h, a test that calls every function with NULL and 0 for every argument, once without
# an SFU and once with one. In C 0 is NULL, false and 0 alike, so the number of arguments is all
# that has to be known.

BEGIN {
  print "#include \"check.h\"\n"
  print "static void calls(plenum_sfu *sfu) {"
}

/^[a-z].*[ *]plenum_[a-z_0-9]+\(/ { declaration = ""; reading = 1 }

reading { declaration = declaration $0 }

reading && /\);$/ {
  reading = 0
  name = declaration
  sub(/\(.*/, "", name)
  returned = name
  sub(/.*[ *]/, "", name)
  arguments = declaration
  sub(/^[^(]*\(/, "", arguments)
  sub(/\);$/, "", arguments)
  takes_sfu = arguments ~ /^(const )?plenum_sfu \*sfu/
  # The SFU stays for the others.
  if (name == "plenum_sfu_free" || name == "plenum_sfu_close" || name == "plenum_sfu_start") next
  list = takes_sfu ? "sfu" : (arguments == "void" ? "" : "0")
  n = split(arguments, unused, ",")
  for (i = 2; i <= n; i++) list = list ", 0"
  if (takes_sfu && returned ~ /^plenum_result /)
    printf "  if (sfu == NULL) CHECK_RESULT(%s(%s), PLENUM_NULL_POINTER);\n  else %s(%s);\n", name, list, name, list
  else
    printf "  (void)%s(%s);\n", name, list
  functions++
}

END {
  print "}\n"
  print "int main(void) {"
  print "  plenum_sfu *sfu;"
  print "  calls(NULL);"
  print "  sfu = started(NULL);"
  print "  calls(sfu);"
  print "  CHECK_RESULT(plenum_sfu_close(sfu), PLENUM_OK);"
  print "  CHECK_RESULT(plenum_sfu_free(sfu), PLENUM_OK);"
  # All of them were found.
  printf "  CHECK(%d > 100);\n", functions
  print "  return 0;\n}"
}
