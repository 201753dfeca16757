// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.parse;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.config.model.Problem;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Texts that are made to break their reader. */
@Tag("INV-CL-3")
class HostileTest {
  record Case(String text, String problem) {
    @Override
    public String toString() {
      return problem;
    }
  }

  private static String bomb() {
    StringBuilder text = new StringBuilder("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for (int i = 1; i < 12; i++) {
      text.append("a").append(i).append(": &a").append(i).append(" [");
      text.append(("*a" + (i - 1) + ", ").repeat(9)).append("*a").append(i - 1).append("]\n");
    }
    return text.toString();
  }

  static Stream<Case> texts() {
    return Stream.of(
        new Case(bomb(), "m.yaml:6: has more than 1000000 values"),
        new Case("a: &a [*a]\n", "m.yaml:1: the alias \"a\" stands for what contains it"),
        new Case("a: *b\n", "m.yaml:1: the alias \"b\" is not defined before its use"),
        new Case("[".repeat(100_000), "m.yaml:1: is nested more than 64 deep"),
        new Case("a: {".repeat(100_000), "m.yaml:1: is nested more than 64 deep"),
        new Case("- ".repeat(50_000) + "x", "m.yaml:1: is nested more than 64 deep"),
        new Case("? [a]\n: b\n", "m.yaml:1: has a map or a list as a field name"),
        new Case(
            "a: !!python/object:os.system x\n",
            "m.yaml:1: has the tag \"tag:yaml.org,2002:python/object:os.system\", which means nothing here"),
        new Case("a: !!int x\n", "m.yaml:1: \"x\" is not what its tag says"),
        new Case("a: 1\na: 2\n", "m.yaml:2: has the field \"a\" twice"),
        new Case("a: &a 1\n<<: *a\n", "m.yaml:1: merges (<<) what is not a map"),
        new Case(
            "? " + "k".repeat(1025) + "\n: 1\n", "m.yaml:1: has a field name of 1025 characters"),
        new Case("just a text\n", "m.yaml:1: is a text, not a resource"),
        new Case("- a\n", "m.yaml:1: is a list, not a resource"),
        new Case("a: \u0007\n", "m.yaml:1: is not YAML: special characters are not allowed"),
        new Case("a: \"\\q\"\n", "m.yaml:1: is not YAML: found unknown escape character q(113)"));
  }

  @ParameterizedTest
  @MethodSource("texts")
  void isRefusedInOneLine(Case c) {
    assertThat(Manifests.problems(c.text())).containsExactly(c.problem());
  }

  @Test
  void refusesAFileThatIsTooLarge() {
    ManifestParser parser = new ManifestParser(new Limits(100, 64, 1000));

    List<ParsedDocument> documents = parser.parse("m.yaml", new byte[101]);

    assertThat(documents)
        .singleElement()
        .satisfies(
            d -> assertThat(d.problems().get(0)).hasToString("m.yaml: is larger than 100 bytes"));
  }

  @Test
  void refusesJsonWithTheLine() {
    List<ParsedDocument> documents =
        Manifests.parse(
            "m.json",
            "{\"kind\": \"Namespace\", \"apiVersion\": \"v1\",\n\"metadata\": {\"name\": \"a\"}}\n{\n  x");

    assertThat(documents).hasSize(2);
    assertThat(documents.get(0).resource()).isPresent();
    Problem problem = documents.get(1).problems().get(0);
    assertThat(problem.line()).isEqualTo(4);
    assertThat(problem.reason()).startsWith("is not JSON: Unexpected character ('x'");
    assertThat(problem.toString()).doesNotContain("\n");
  }

  @Test
  void readsTabsInJson() {
    String json =
        "{\n\t\"kind\": \"Namespace\",\n\t\"apiVersion\": \"v1\",\n\t\"metadata\": {\"name\": \"a\"}\n}";

    assertThat(Manifests.parse("m.json", json))
        .singleElement()
        .matches(d -> d.resource().isPresent());
  }

  @Test
  void skipsAByteOrderMark() {
    byte[] text = ("\ufeff" + Manifests.SERVICE).getBytes(StandardCharsets.UTF_8);

    assertThat(new ManifestParser(Limits.DEFAULT).parse("m.yaml", text))
        .singleElement()
        .matches(d -> d.resource().isPresent());
  }
}
