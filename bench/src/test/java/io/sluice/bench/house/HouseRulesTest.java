// SPDX-License-Identifier: Apache-2.0
package io.sluice.bench.house;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What CONTRIBUTING.md asks of every file, as far as it can be read off the tree. */
class HouseRulesTest {
  private static final int MOST_LINES = 600;
  private static final String INVARIANTS = "docs/design/invariants.md";
  private static final String INDEX = "docs/design/README.md";
  private static final Pattern INVARIANT = Pattern.compile("INV-[A-Z]+-\\d+");
  private static final Pattern LINK = Pattern.compile("\\]\\(([^)#\\s]+)(?:#[^)]*)?\\)");
  // Parted, so that this file does not break its own rules.
  private static final Pattern UNFINISHED =
      Pattern.compile("\\b(TO" + "DO|FIX" + "ME|XX" + "X)\\b");
  private static final Pattern TWO_COPIES =
      Pattern.compile("(?i)keep(s|ing)? (\\w+ )?in s" + "ync");
  private static final Pattern SLEEP = Pattern.compile("Thread\\s*\\.\\s*sl" + "eep");
  private static final Pattern SOMEBODYS_FOLDER =
      Pattern.compile("(?<![\\w.])/(ho" + "me|ro" + "ot|wo" + "rk|Us" + "ers)/\\w");

  private static final String HARNESS = "multi-node-tests/src/main/.*\\.java";
  private static final Pattern OTHER_MODULES =
      Pattern.compile("io\\.sluice\\.(?!multinode|lab|kernel|config)\\w+\\.");

  private static SourceTree tree;

  @BeforeAll
  static void listFiles() throws InterruptedException {
    try {
      tree = SourceTree.open();
    } catch (IOException e) {
      abort("this is no git clone: " + e.getMessage());
    }
  }

  @Test
  void everySourceNamesItsLicence() {
    assertThat(offenders(sources(), path -> licence(path).isEmpty()))
        .as("files without an SPDX line among their first three")
        .isEmpty();
  }

  @Test
  void cIsUnderBothLicencesAndTheRestUnderApache() {
    assertThat(
            offenders(
                sources(),
                path ->
                    !licence(path)
                        .equals(
                            path.matches(".*\\.[ch]")
                                ? "(GPL-2.0-only OR BSD-2-Clause)"
                                : "Apache-2.0")))
        .as("files under another licence than their kind has")
        .isEmpty();
  }

  @Test
  void filesAreSmall() {
    assertThat(offenders(sources(), path -> tree.lines(path).size() >= MOST_LINES))
        .as("files of %d lines or more", MOST_LINES)
        .isEmpty();
  }

  @Test
  void nothingIsLeftUnfinished() {
    assertThat(hits(prose(), UNFINISHED)).isEmpty();
  }

  @Test
  void nothingAsksPeopleToCopyByHand() {
    assertThat(hits(prose(), TWO_COPIES)).isEmpty();
  }

  @Test
  void testsWaitForConditionsNotForTime() {
    assertThat(hits(tests(), SLEEP)).isEmpty();
  }

  /**
   * The harness is a library, which ArchitectureTest does not see: what runs does not depend on it.
   */
  @Test
  void theHarnessUsesTheLabAndTheKernelAndNoAgent() {
    List<String> harness = tree.paths().stream().filter(path -> path.matches(HARNESS)).toList();
    assertThat(harness).isNotEmpty();
    assertThat(hits(harness, OTHER_MODULES)).isEmpty();
  }

  @Test
  void noPathOfSomebodysMachine() {
    assertThat(hits(prose(), SOMEBODYS_FOLDER)).isEmpty();
  }

  @Test
  void linksInDocumentsLeadSomewhere() {
    List<String> dead = new ArrayList<>();
    for (String path : tree.ending(".md")) {
      Matcher link = LINK.matcher(tree.text(path));
      while (link.find()) {
        if (!link.group(1).contains("://") && !tree.leadsSomewhere(path, link.group(1))) {
          dead.add(path + " -> " + link.group(1));
        }
      }
    }
    assertThat(dead).isEmpty();
  }

  @Test
  void theIndexListsEveryPageAndNoOther() {
    String index = tree.text(INDEX);
    List<String> wrong = new ArrayList<>();
    for (String path : tree.ending(".md")) {
      String page = path.replaceFirst("^docs/design/", "");
      if (path.startsWith("docs/design/")
          && !path.equals(INDEX)
          && !index.contains("](" + page + ")")) {
        wrong.add(path + " exists, and the index does not link it");
      }
    }
    assertThat(wrong).isEmpty();
  }

  @Test
  void citedInvariantsExist() {
    Set<String> known = invariants(line -> true);
    List<String> unknown = new ArrayList<>();
    for (String path : Stream.concat(tests().stream(), tree.ending(".md").stream()).toList()) {
      Matcher cited = INVARIANT.matcher(tree.text(path));
      while (cited.find()) {
        if (!known.contains(cited.group())) {
          unknown.add(path + " cites " + cited.group());
        }
      }
    }
    assertThat(unknown).as("invariants that %s does not have", INVARIANTS).isEmpty();
  }

  @Test
  void invariantsInForceAreTested() {
    Set<String> untested = invariants(line -> line.contains("| in force |"));
    for (String path : tests()) {
      Matcher cited = Pattern.compile("@Tag\\(\"(" + INVARIANT + ")\"\\)").matcher(tree.text(path));
      while (cited.find()) {
        untested.remove(cited.group(1));
      }
    }
    assertThat(untested).as("invariants in force that no test cites").isEmpty();
  }

  /** The IDs of the table's rows that are asked for. */
  private static Set<String> invariants(Predicate<String> wanted) {
    Set<String> ids = new TreeSet<>();
    for (String line : tree.lines(INVARIANTS)) {
      Matcher id = INVARIANT.matcher(line);
      if (line.startsWith("| INV-") && wanted.test(line) && id.find()) {
        ids.add(id.group());
      }
    }
    return ids;
  }

  private static String licence(String path) {
    return tree.lines(path).stream()
        .limit(3)
        .map(Pattern.compile("SPDX-License-Identifier: (\\([^)]*\\)|\\S+)")::matcher)
        .filter(Matcher::find)
        .map(found -> found.group(1))
        .findFirst()
        .orElse("");
  }

  private static List<String> sources() {
    return tree.paths().stream()
        .filter(
            path ->
                path.matches(".*\\.(java|c|h|sh|yaml|yml|conf|py)")
                    || path.matches("(.*/)?pom\\.xml|(.*/)?logback[^/]*\\.xml")
                    || path.matches("bin/[^/]+|\\.ci/[^/]+"))
        .toList();
  }

  /** Those that test, and what they test with. */
  private static List<String> tests() {
    return tree.paths().stream()
        .filter(path -> path.matches(".*/src/test/.*\\.java") || path.matches(HARNESS))
        .toList();
  }

  private static List<String> prose() {
    return Stream.concat(sources().stream(), tree.ending(".md").stream()).distinct().toList();
  }

  private static List<String> offenders(List<String> paths, Predicate<String> offends) {
    return paths.stream().filter(offends).toList();
  }

  private static List<String> hits(List<String> paths, Pattern pattern) {
    List<String> hits = new ArrayList<>();
    for (String path : paths) {
      List<String> lines = tree.lines(path);
      for (int i = 0; i < lines.size(); i++) {
        if (pattern.matcher(lines.get(i)).find()) {
          hits.add(path + ":" + (i + 1) + ": " + lines.get(i).strip());
        }
      }
    }
    return hits;
  }
}
