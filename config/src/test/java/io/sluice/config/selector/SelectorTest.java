// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.selector;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.config.selector.Selector.Required;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SelectorTest {
  private static final Map<String, String> WEB =
      Map.of("app", "web", "tier", "front-end", "example.com/zone", "", "in", "x");

  private static boolean matches(String selector) {
    return Selector.parse(selector).matches(WEB);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "  ",
        "all()",
        "all( )",
        "!!all()",
        "global()",
        "has(app)",
        "has( example.com/zone )",
        "!has(absent)",
        "! has(absent)",
        "app == 'web'",
        "app==\"web\"",
        "app != 'db'",
        "absent != 'db'",
        "example.com/zone == ''",
        "app in {'db', 'web'}",
        "app in{'web',}",
        "app not in {'db'}",
        "app not in {}",
        "absent not in { 'db' }",
        "tier contains 't-e'",
        "tier contains ''",
        "tier starts with 'front'",
        "tier   starts\twith 'front'",
        "tier ends with \"end\"",
        "in in {'x'}",
        "app == 'web' && has(tier)",
        "app == 'db' || tier == 'front-end'",
        "app == 'web' || has(absent) && has(absent)",
        "!(app == 'db' || has(absent))",
        "!app == 'db'",
        "(((app == 'web')))",
      })
  void matchesAsCalicoDoes(String selector) {
    assertThat(matches(selector)).isTrue();
    assertThat(matches("!(" + (selector.isBlank() ? "all()" : selector) + ")")).isFalse();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "!all()",
        "has(absent)",
        "app == 'Web'",
        "absent == ''",
        "app != 'web'",
        "app in {}",
        "absent in {''}",
        "app not in {'web'}",
        "absent contains ''",
        "absent starts with ''",
        "absent ends with ''",
        "tier starts with 'end'",
        "(app == 'web' || has(absent)) && has(absent)",
      })
  void doesNotMatch(String selector) {
    assertThat(matches(selector)).isFalse();
  }

  @Test
  void globalIsWhatIsInNoNamespace() {
    Map<String, String> there = Map.of(Selector.NAMESPACE_LABEL, "shop");
    assertThat(Selector.parse("global()").matches(there)).isFalse();
    assertThat(Selector.parse("all()").ofNamespaces().matches(there)).isTrue();
    assertThat(Selector.parse("all()").ofNamespaces().matches(WEB)).isFalse();
    assertThat(Selector.parse("global()").ofNamespaces().matches(there)).isFalse();
    assertThat(Selector.parse("global() || kind == 'a'").ofNamespaces().text())
        .isEqualTo("!has(projectcalico.org/namespace) || pcns.kind == \"a\"");
    assertThat(Selector.parse("!global() && k not in {'a'}").ofNamespaces().text())
        .isEqualTo("has(projectcalico.org/namespace) && pcns.k not in {\"a\"}");
    assertThat(Selector.parse("all() && role == 'x'").ofServiceAccounts().text())
        .isEqualTo("pcsa.role == \"x\"");
  }

  @ParameterizedTest
  @CsvSource(
      delimiterString = "->",
      quoteCharacter = '`',
      value = {
        "app=='web'                             -> app == \"web\"",
        "app == 'a\"b'                          -> app == 'a\"b'",
        "app in { 'z' ,'a','z' }                -> app in {\"a\", \"z\"}",
        "((has(a)))&&(has(b)&&has(c))           -> has(a) && has(b) && has(c)",
        "has(a) || has(b) && !( has(c) )        -> has(a) || (has(b) && !has(c))",
        "(has(a) || has(b)) && has(c)           -> (has(a) || has(b)) && has(c)",
        "!(a == 'b')                            -> !(a == \"b\")",
        "!!!has(a)                              -> !has(a)",
        "all() && has(a)                        -> has(a)",
        "``                                     -> all()",
      })
  void isWrittenInOneWay(String selector, String canonical) {
    Selector parsed = Selector.parse(selector);
    assertThat(parsed.text()).isEqualTo(canonical);
    assertThat(Selector.parse(canonical)).isEqualTo(parsed).hasSameHashCodeAs(parsed);
  }

  @ParameterizedTest
  @CsvSource(
      delimiterString = "->",
      quoteCharacter = '`',
      value = {
        "app = 'web'      -> at character 5: ==, !=, in, not in, contains, starts with or ends with"
            + " is expected, not \"= 'web'\"",
        "app              -> at character 4: ==, !=, in, not in, contains, starts with or ends with"
            + " is expected, not the end",
        "app not 'web'    -> at character 5: ==, !=, in, not in, contains, starts with or ends with"
            + " is expected, not \"not 'web'\"",
        "app == web       -> at character 8: a value in quotes is expected, not \"web\"",
        "app == 'web      -> at character 8: the quote is not closed",
        "has()            -> at character 5: a label is expected, not \")\"",
        "has(app          -> at character 8: ) is expected, not the end",
        "any()            -> at character 1: \"any\" is not has, all or global",
        "(has(a)          -> at character 8: &&, || or ) is expected, not the end",
        "has(a))          -> at character 7: &&, || or the end is expected, not \")\"",
        "has(a) & has(b)  -> at character 8: &&, || or the end is expected, not \"& has(b)\"",
        "has(a) &&        -> at character 10: a label, has(, all() or ( is expected, not the end",
        "a in 'b'         -> at character 6: { is expected, not \"'b'\"",
        "a in {'b' 'c'}   -> at character 11: , or } is expected, not \"'c'}\"",
        "a in {b}         -> at character 7: a value in quotes is expected, not \"b}\"",
        "!                -> at character 2: a label, has(, all() or ( is expected, not the end",
        "ä == 'b'         -> at character 1: a label, has(, all() or ( is expected, not \"ä == 'b'\"",
      })
  @Tag("INV-CL-3")
  void saysWhereItIsWrong(String selector, String reason) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Selector.parse(selector))
        .withMessage(reason);
  }

  @Test
  void boundsWhatItCosts() {
    assertThatThrownBy(() -> Selector.parse("(".repeat(60_000)))
        .hasMessage("at character 66: more than 64 parentheses in each other");
    assertThatThrownBy(() -> Selector.parse("a".repeat(70_000)))
        .hasMessage("is longer than 65536 characters");
    assertThatThrownBy(() -> Selector.parse("has(" + "a".repeat(600) + ")"))
        .hasMessage("at character 5: a label is longer than 512 characters");
    assertThat(Selector.parse("!".repeat(60_000) + "has(app)").matches(WEB)).isTrue();
    String many = "has(x) || ".repeat(6_000) + "has(app)";
    assertThat(Selector.parse(many).matches(WEB)).isTrue();
  }

  @Test
  void tellsWhatEveryMatchHas() {
    assertThat(required("a == 'b'")).contains(new Required("a", Set.of("b")));
    assertThat(required("a in {'b', 'c'}")).contains(new Required("a", Set.of("b", "c")));
    assertThat(required("has(a)")).contains(new Required("a", Set.of()));
    assertThat(required("a contains 'b'")).contains(new Required("a", Set.of()));
    assertThat(required("has(a) && b in {'x','y'} && c == 'z'"))
        .contains(new Required("c", Set.of("z")));
    assertThat(required("a == 'b' || a == 'c'")).contains(new Required("a", Set.of("b", "c")));
    assertThat(required("a == 'b' || has(a)")).contains(new Required("a", Set.of()));
    for (String none :
        List.of("all()", "!has(a)", "a != 'b'", "a not in {'b'}", "has(a) || has(b)")) {
      assertThat(required(none)).isEmpty();
    }
  }

  private static Optional<Required> required(String selector) {
    return Selector.parse(selector).required();
  }

  @Test
  void randomSelectorsKeepTheirMeaningWhenWrittenAnew() {
    Random random = new Random(7);
    for (int i = 0; i < 20_000; i++) {
      String text = random(random, 3);
      Selector selector = Selector.parse(text);
      Selector again = Selector.parse(selector.text());
      assertThat(again.text()).as(text).isEqualTo(selector.text());
      Map<String, String> labels = labels(random);
      assertThat(again.matches(labels)).as(text).isEqualTo(selector.matches(labels));
      if (selector.matches(labels)) {
        selector
            .required()
            .ifPresent(
                r -> {
                  assertThat(labels).as(text).containsKey(r.label());
                  assertThat(r.values().isEmpty() || r.values().contains(labels.get(r.label())))
                      .as(text)
                      .isTrue();
                });
      }
    }
  }

  private static Map<String, String> labels(Random random) {
    Map<String, String> labels = new HashMap<>();
    for (String label : List.of("a", "b", "c")) {
      if (random.nextBoolean()) {
        labels.put(label, List.of("x", "y", "xy").get(random.nextInt(3)));
      }
    }
    return labels;
  }

  private static String random(Random random, int depth) {
    String label = List.of("a", "b", "c").get(random.nextInt(3));
    String value = List.of("'x'", "\"y\"", "'xy'").get(random.nextInt(3));
    int choice = random.nextInt(depth > 0 ? 12 : 9);
    return switch (choice) {
      case 0 -> "all()";
      case 1 -> "has(" + label + ")";
      case 2 -> label + " == " + value;
      case 3 -> label + " != " + value;
      case 4 -> label + " in {" + value + ",'y'}";
      case 5 -> label + " not in {" + value + "}";
      case 6 -> label + " contains " + value;
      case 7 -> label + " starts with " + value;
      case 8 -> label + " ends with " + value;
      case 9 -> "!(" + random(random, depth - 1) + ")";
      case 10 -> "(" + random(random, depth - 1) + ") && " + random(random, depth - 1);
      default -> random(random, depth - 1) + " || (" + random(random, depth - 1) + ")";
    };
  }

  @Test
  void nothingButARefusalEscapesTheParser() {
    Random random = new Random(11);
    String pieces = "abhs()!=&|{}'\",. \tallhasinnotstartswithends\u00e4\n\0";
    for (int i = 0; i < 50_000; i++) {
      StringBuilder text = new StringBuilder(random.nextBoolean() ? random(random, 2) : "");
      for (int k = random.nextInt(6); k >= 0; k--) {
        text.insert(
            random.nextInt(text.length() + 1), pieces.charAt(random.nextInt(pieces.length())));
      }
      try {
        Selector.parse(text.toString()).matches(labels(random));
      } catch (IllegalArgumentException e) {
        assertThat(e.getMessage()).startsWith("at character ");
      }
    }
  }
}
