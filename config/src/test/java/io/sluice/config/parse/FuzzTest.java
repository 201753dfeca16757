// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.parse;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.config.model.Problem;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Manifests changed at random: whatever they are, they give resources or problems of one line. */
@Tag("INV-CL-3")
class FuzzTest {
  private static final int ROUNDS = 30_000;
  private static final List<String> TOKENS =
      List.of(
          "---\n",
          "...\n",
          "- ",
          ": ",
          "{",
          "}",
          "[",
          "]",
          "\"",
          "'",
          "\\",
          "&a ",
          "*a",
          "!!",
          "|\n",
          ">\n",
          "?",
          "%",
          "#",
          "@",
          "`",
          "\t",
          "\r",
          "\u0000",
          "\u2028",
          "\ufeff",
          "null",
          "~",
          "-1",
          "65536",
          "1e999",
          ".inf",
          "0x7fffffffffffffff",
          "999999999999999999999999",
          "\ud83d\ude00",
          "::",
          "/129",
          "<<: ",
          "has(",
          " && ",
          "!",
          "action: Pass",
          "0/0",
          "kind: List\n",
          "items:\n");

  @Test
  void neverThrows() {
    long seed = 20260101;
    Random random = new Random(seed);
    ManifestParser parser = new ManifestParser(new Limits(1 << 20, 64, 20_000));
    int refused = 0;
    for (int round = 0; round < ROUNDS; round++) {
      byte[] text = mutate(sample(random), random);
      String file = random.nextInt(8) == 0 ? "f.json" : "f.yaml";
      List<ParsedDocument> documents = parser.parse(file, text);
      for (ParsedDocument document : documents) {
        refused += document.refused() ? 1 : 0;
        check(document, round);
      }
    }
    assertThat(refused).as("the mutations do harm").isGreaterThan(ROUNDS / 10);
  }

  private static void check(ParsedDocument document, int round) {
    assertThat(document.refused() && document.resource().isPresent())
        .as("round %d", round)
        .isFalse();
    assertThat(document.refused())
        .as("round %d", round)
        .isEqualTo(
            document.problems().stream().anyMatch(p -> p.severity() == Problem.Severity.ERROR));
    for (Problem problem : document.problems()) {
      assertThat(problem.toString().chars().noneMatch(Character::isISOControl))
          .as("round %d: %s", round, problem)
          .isTrue();
      assertThat(problem.toString().length()).as("round %d", round).isLessThan(1500);
    }
    document.manifest().ifPresent(m -> assertThat(m.tree().isObject()).isTrue());
  }

  private static byte[] sample(Random random) {
    String first = manifest(random);
    String text = random.nextBoolean() ? first : first + "---\n" + manifest(random);
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static String manifest(Random random) {
    List<String> all = random.nextBoolean() ? Manifests.ALL : PolicyManifests.ALL;
    return all.get(random.nextInt(all.size()));
  }

  private static byte[] mutate(byte[] text, Random random) {
    byte[] result = text;
    for (int i = random.nextInt(4); i >= 0; i--) {
      result = mutateOnce(result, random);
    }
    return result;
  }

  private static byte[] mutateOnce(byte[] text, Random random) {
    if (text.length < 2) {
      return text;
    }
    int at = random.nextInt(text.length);
    int to = Math.min(text.length, at + random.nextInt(40));
    return switch (random.nextInt(6)) {
      case 0 -> {
        byte[] copy = text.clone();
        copy[at] ^= (byte) (1 << random.nextInt(8));
        yield copy;
      }
      case 1 -> Arrays.copyOf(text, at);
      case 2 -> splice(text, at, to, new byte[0]);
      case 3 -> splice(text, at, at, Arrays.copyOfRange(text, at, to));
      case 4 -> {
        byte[] noise = new byte[random.nextInt(4)];
        random.nextBytes(noise);
        yield splice(text, at, at, noise);
      }
      default -> {
        String token = TOKENS.get(random.nextInt(TOKENS.size()));
        yield splice(
            text, at, random.nextBoolean() ? at : to, token.getBytes(StandardCharsets.UTF_8));
      }
    };
  }

  private static byte[] splice(byte[] text, int from, int to, byte[] with) {
    byte[] result = new byte[text.length - (to - from) + with.length];
    System.arraycopy(text, 0, result, 0, from);
    System.arraycopy(with, 0, result, from, with.length);
    System.arraycopy(text, to, result, from + with.length, text.length - to);
    return result;
  }
}
