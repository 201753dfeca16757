// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.settings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.sluice.config.model.RawValue;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ValuesTest {
  private static RawValue raw(String text) {
    return new RawValue.Scalar(text);
  }

  @ParameterizedTest
  @CsvSource({
    "90s,90000",
    "1m,60000",
    "1h30m,5400000",
    "500ms,500",
    "1.5s,1500",
    "30,30000",
    "0,0"
  })
  void durations(String text, long millis) {
    assertThat(Values.duration().parse(raw(text))).isEqualTo(Duration.ofMillis(millis));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "s", "1x", "1h30", "-1s", "1 s", "1e3s", "99999999h", "9999999999999"})
  void notDurations(String text) {
    assertThatIllegalArgumentException().isThrownBy(() -> Values.duration().parse(raw(text)));
  }

  @Test
  void choicesInAnyCase() {
    assertThat(Values.choice(Choices.ExternalServiceMode.class).parse(raw("dsr")))
        .isEqualTo(Choices.ExternalServiceMode.DSR);
    assertThat(Values.choice(Choices.ConntrackMode.class).parse(raw("bpfprogram")))
        .isEqualTo(Choices.ConntrackMode.BPF_PROGRAM);
  }

  @Test
  void failsafePortsAreAsFelixHasThem() {
    assertThat(FelixSettings.FAILSAFE_INBOUND.defaultValue()).hasSize(9);
    assertThat(Values.failsafePort().parse(raw("udp:10.0.0.0/8:53")))
        .hasToString("udp:10.0.0.0/8:53");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Values.failsafePort().parse(raw("icmp:1")))
        .withMessage("\"icmp\" is none of tcp, udp, sctp");
  }

  @Test
  void numbersMayBeHexadecimal() {
    assertThat(Values.number(0, 0xffffffffL).parse(raw("0xe00f0000"))).isEqualTo(0xe00f0000L);
  }
}
