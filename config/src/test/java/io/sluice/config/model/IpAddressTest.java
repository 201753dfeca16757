// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.sluice.config.text.Text;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class IpAddressTest {
  @ParameterizedTest
  @CsvSource({
    "0.0.0.0,0.0.0.0",
    "255.255.255.255,255.255.255.255",
    "::,::",
    "::1,::1",
    "1::,1::",
    "FD00:0:0:0:0:0:0:A,fd00::a",
    "fd00:0:1:0:0:0:0:1,fd00:0:1::1",
    "1:2:3:4:5:6:7:8,1:2:3:4:5:6:7:8",
    "1:0:3:4:5:6:7:8,1:0:3:4:5:6:7:8",
    "::ffff:10.0.0.1,::ffff:a00:1",
    "64:ff9b::1.2.3.4,64:ff9b::102:304"
  })
  void hasOneForm(String text, String canonical) {
    assertThat(IpAddress.parse(text)).hasToString(canonical);
    assertThat(IpAddress.of(IpAddress.parse(text).bytes())).isEqualTo(IpAddress.parse(text));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "1.2.3",
        "1.2.3.4.5",
        "1.2.3.256",
        "01.2.3.4",
        "1.2.3.4 ",
        "a.b.c.d",
        "1..2.3",
        ":",
        ":::",
        "1::2::3",
        "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:8:9",
        "1:2:3:4:5:6:7:8::",
        "::1%eth0",
        "12345::",
        "g::",
        "1.2.3.4::",
        "::1.2.3.4:5",
        "٣.1.1.1",
        "localhost"
      })
  void isNoAddress(String text) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> IpAddress.parse(text))
        .withMessage(Text.quote(text) + " is not an IP address");
  }

  @Test
  void agreesWithJavaOnRandomOnes() throws UnknownHostException {
    Random random = new Random(3);
    for (int i = 0; i < 10_000; i++) {
      byte[] bytes = new byte[16];
      random.nextBytes(bytes);
      for (int zeros = random.nextInt(17); zeros > 0; zeros--) {
        bytes[random.nextInt(16)] = 0;
      }
      IpAddress address = IpAddress.of(bytes);
      assertThat(IpAddress.parse(address.toString())).isEqualTo(address);
      String javas = Inet6Address.getByAddress(null, bytes, -1).getHostAddress();
      assertThat(IpAddress.parse(javas)).isEqualTo(address);
      assertThat(InetAddress.getByName(address.toString()))
          .isEqualTo(InetAddress.getByAddress(bytes));
    }
  }

  @Test
  void networksContainTheirAddresses() {
    Cidr net = Cidr.parse("fd00:244:1::/64");
    assertThat(net.contains(IpAddress.parse("fd00:244:1::ffff"))).isTrue();
    assertThat(net.contains(IpAddress.parse("fd00:244:2::"))).isFalse();
    assertThat(net.contains(IpAddress.parse("10.0.0.1"))).isFalse();
    assertThat(Cidr.parse("0.0.0.0/0").contains(IpAddress.parse("255.1.2.3"))).isTrue();
    assertThat(Cidr.parse("10.128.0.0/9").contains(IpAddress.parse("10.255.0.1"))).isTrue();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "10.0.0.1|\"10.0.0.1\" is not a CIDR, write address/prefix length",
        "10.0.0.0/33|prefix length 33 is not in 0..32",
        "::/129|prefix length 129 is not in 0..128",
        "10.0.0.0/08|\"10.0.0.0/08\" is not a CIDR",
        "10.0.0.0/|\"10.0.0.0/\" is not a CIDR",
        "10.0.0/8|\"10.0.0/8\" is not a CIDR",
        "fd00::1/64|fd00::1/64 has host bits set, write fd00::/64"
      })
  void isNoNetwork(String text, String reason) {
    assertThatIllegalArgumentException().isThrownBy(() -> Cidr.parse(text)).withMessage(reason);
  }

  @Test
  void knowsItsRanges() {
    assertThat(IpAddress.parse("169.254.1.1").isLinkLocal()).isTrue();
    assertThat(IpAddress.parse("fe80::1").isLinkLocal()).isTrue();
    assertThat(IpAddress.parse("fec0::1").isLinkLocal()).isFalse();
    assertThat(IpAddress.parse("224.0.0.1").isMulticast()).isTrue();
    assertThat(IpAddress.parse("ff02::1").isMulticast()).isTrue();
    assertThat(IpAddress.parse("127.9.9.9").isLoopback()).isTrue();
    assertThat(IpAddress.parse("::1").isLoopback()).isTrue();
  }
}
