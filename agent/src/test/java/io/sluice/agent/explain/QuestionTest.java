// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.explain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.kernel.layout.Ip;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class QuestionTest {
  @Test
  void namesAreResolvedToTheFamilyOfTheOtherEnd() {
    Question.Resolver pods =
        (name, like) ->
            Ip.parse(like.isPresent() && like.get().bytes().length == 16 ? "fd00::2" : "10.0.0.2");
    assertThat(Question.of("default/web", "fd00::1", "UDP", "53", "", "", pods))
        .isEqualTo(new Question(Ip.parse("fd00::2"), Ip.parse("fd00::1"), 17, 53, 0, ""));
    assertThat(Question.of("default/web", "default/db", "6", "53", "9", "eth0", pods))
        .isEqualTo(new Question(Ip.parse("10.0.0.2"), Ip.parse("10.0.0.2"), 6, 53, 9, "eth0"));
    assertThat(Question.of("10.0.0.1", "10.0.0.2", "icmp", "", "", "", pods).port()).isZero();
  }

  @ParameterizedTest
  @CsvSource({
    "10.0.0.1, fd00::1, tcp, 80, not of one family",
    "10.0.0.1, 10.0.0.2, tcp, '', which one",
    "10.0.0.1, 10.0.0.2, tcp, 70000, is not a port",
    "10.0.0.1, 10.0.0.2, shoes, 80, is not a protocol",
    "10.0.0.1, 10.0.0.999, tcp, 80, not an IP address",
    "10.0.0.1, web, tcp, 80, only a running agent knows names",
  })
  void whatIsNoQuestionIsSaid(
      String source, String destination, String protocol, String port, String reason) {
    assertThatThrownBy(
            () -> Question.of(source, destination, protocol, port, "", "", Question.Resolver.NONE))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(reason);
  }
}
