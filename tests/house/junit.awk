# Reads what ctest --output-junit wrote; prints one line a test: verdict, name, reason, between tabs.
# Output of a test is text between system-out tags: it is looked at for the line "skipped: reason" only.
function unescape(text) {
    gsub(/&lt;/, "<", text); gsub(/&gt;/, ">", text); gsub(/&quot;/, "\"", text); gsub(/&apos;/, "'", text)
    gsub(/&amp;/, "\\&", text); gsub(/\t/, " ", text)
    return text
}

function attribute(line, name,    value) {
    if (!match(line, "[ \t]" name "=\"[^\"]*\"")) return ""
    value = substr(line, RSTART, RLENGTH)
    sub(/^[^"]*"/, "", value); sub(/"$/, "", value)
    return unescape(value)
}

!output && /^[ \t]*<testcase / {
    test = attribute($0, "name"); status = attribute($0, "status"); said_so = 0; reason = ""
}
!output && /^[ \t]*<skipped / && attribute($0, "message") ~ /SKIP_RETURN_CODE/ { said_so = 1 }
!output && /<system-out>/ { output = 1 }
output && reason == "" && match($0, /skipped: .*/) {
    reason = substr($0, RSTART + 9); sub(/<\/system-out>.*/, "", reason); reason = unescape(reason)
}
output && /<\/system-out>/ { output = 0 }
!output && (/<\/testcase>/ || /<testcase .*\/>/) {
    verdict = status == "run" ? "passed" : status == "notrun" && said_so ? "skipped" : "failed"
    if (verdict == "skipped" && reason == "") reason = "no reason given"
    print verdict "\t" test "\t" reason
}
