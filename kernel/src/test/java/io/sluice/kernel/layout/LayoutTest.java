// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.layout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The generated records against bytes laid by hand, as a program on this machine would see them.
 */
class LayoutTest {
  private static final HexFormat HEX = HexFormat.of();

  private static <T> void assertLaid(Codec<T> codec, T value, ByteBuffer expected) {
    // Dirty, and not at the beginning: codecs zero padding and write nothing beyond their size.
    ByteBuffer buffer = ByteBuffer.allocate(codec.size() + 10).order(ByteOrder.nativeOrder());
    java.util.Arrays.fill(buffer.array(), (byte) 0xa5);
    codec.encode(value, buffer, 5);
    byte[] written = new byte[codec.size()];
    buffer.get(5, written);
    assertThat(HEX.formatHex(written)).isEqualTo(HEX.formatHex(expected.array()));
    assertThat(buffer.array()).startsWith(0xa5, 0xa5, 0xa5, 0xa5, 0xa5);
    assertThat(buffer.array()).endsWith(0xa5, 0xa5, 0xa5, 0xa5, 0xa5);
    assertThat(buffer.position()).isZero();
    assertThat(codec.decode(buffer, 5)).isEqualTo(value);
    // The byte order of the buffer makes no difference.
    buffer.order(ByteOrder.BIG_ENDIAN);
    assertThat(codec.decode(buffer, 5)).isEqualTo(value);
    buffer.order(ByteOrder.LITTLE_ENDIAN);
    assertThat(codec.decode(buffer, 5)).isEqualTo(value);
  }

  private static ByteBuffer bytes(int size) {
    return ByteBuffer.allocate(size).order(ByteOrder.nativeOrder());
  }

  @Test
  void conntrackKeyOfIpv4() {
    ByteBuffer laid = bytes(16);
    laid.put(HEX.parseHex("0af40102" + "c0a86302" + "0050" + "c001" + "06"));
    CtKey key = new CtKey(Ip.parse("10.244.1.2"), Ip.parse("192.168.99.2"), 80, 0xc001, 6, 0);
    assertLaid(CtKey.codec(Family.IPV4), key, laid);
  }

  @Test
  void conntrackKeyOfIpv6() {
    ByteBuffer laid = bytes(40);
    laid.put(HEX.parseHex("fd000244000100000000000000000002"));
    laid.put(HEX.parseHex("fd000099000000000000000000000002"));
    laid.put(HEX.parseHex("0035" + "ffff" + "11"));
    CtKey key = new CtKey(Ip.parse("fd00:244:1::2"), Ip.parse("fd00:99::2"), 53, 65535, 17, 0);
    assertLaid(CtKey.codec(Family.IPV6), key, laid);
  }

  private static CtCommon common() {
    return new CtCommon(0xfffffff0, 2, 0x555, 4, 11, CtIfindex.CT_IF_STACK, 7, 8, 9, 0xfedc, 0x12);
  }

  private static void putCommon(ByteBuffer laid) {
    laid.putInt(0xfffffff0).putInt(2).putInt(0x555).putInt(4).putInt(11).putInt(0x7fffffff);
    laid.putInt(7).putInt(8).putInt(9).putShort((short) 0xfedc).putShort((short) 0x12);
  }

  @Test
  void conntrackValueOfIpv4() {
    ByteBuffer laid = bytes(64);
    putCommon(laid);
    laid.put(HEX.parseHex("0a600001" + "0af40102" + "1f90" + "0050" + "00000000"));
    CtTuple x = new CtTuple(Ip.parse("10.96.0.1"), Ip.parse("10.244.1.2"), 8080, 80);
    assertLaid(CtValue.codec(Family.IPV4), new CtValue(common(), x, Ip.ANY4), laid);
  }

  @Test
  void conntrackValueOfIpv6() {
    ByteBuffer laid = bytes(104);
    putCommon(laid);
    laid.put(HEX.parseHex("fd000096000000000000000000000001"));
    laid.put(HEX.parseHex("fd000244000100000000000000000002"));
    laid.put(HEX.parseHex("1f90" + "0050" + "fd000100000100000000000000000002"));
    CtTuple x = new CtTuple(Ip.parse("fd00:96::1"), Ip.parse("fd00:244:1::2"), 8080, 80);
    CtValue value = new CtValue(common(), x, Ip.parse("fd00:100:1::2"));
    assertLaid(CtValue.codec(Family.IPV6), value, laid);
  }

  @Test
  void interfaceWithAddressesOfBothFamiliesAndText() {
    ByteBuffer laid = bytes(64);
    laid.putInt(IfaceFlags.IFACE_CONFIGURED | IfaceFlags.IFACE_READY6).putInt(3).putInt(4);
    laid.putInt(5).putInt(6).put(HEX.parseHex("0af40102" + "fd000244000100000000000000000002"));
    laid.put("cali0123456789a".getBytes(java.nio.charset.StandardCharsets.US_ASCII));
    Iface iface =
        new Iface(
            17,
            3,
            4,
            5,
            6,
            Ip.parse("10.244.1.2"),
            Ip.parse("fd00:244:1::2"),
            "cali0123456789a",
            0);
    assertLaid(Iface.codec(), iface, laid);
  }

  @Test
  void wideNumbersAreOfHostOrder() {
    ByteBuffer laid = bytes(32);
    laid.putInt(100).putInt(-1).putInt(7).putInt(2).putInt(60).putInt(0);
    laid.putLong(0xfedcba9876543210L);
    assertLaid(Service.codec(), new Service(100, -1, 7, 2, 60, 0xfedcba9876543210L), laid);
  }

  @Test
  void routeKeyIsWhatTheTrieWants() {
    ByteBuffer laid = bytes(8);
    laid.putInt(24).put(HEX.parseHex("0af40100"));
    assertLaid(RouteKey.codec(Family.IPV4), new RouteKey(24, Ip.parse("10.244.1.0")), laid);
  }

  @Test
  void refusesWhatDoesNotFit() {
    ByteBuffer buffer = bytes(64);
    Ip four = Ip.parse("10.0.0.1");
    assertThatIllegalArgumentException()
        .isThrownBy(
            () -> CtKey.codec(Family.IPV4).encode(new CtKey(four, four, 65536, 0, 6, 0), buffer, 0))
        .withMessage("CtKey.port0 takes 0 to 65535, not 65536");
    assertThatIllegalArgumentException()
        .isThrownBy(
            () -> CtKey.codec(Family.IPV4).encode(new CtKey(four, four, 1, -1, 6, 0), buffer, 0))
        .withMessageContaining("CtKey.port1");
    assertThatIllegalArgumentException()
        .isThrownBy(
            () -> CtKey.codec(Family.IPV6).encode(new CtKey(four, four, 1, 1, 6, 0), buffer, 0))
        .withMessage("CtKey.addr0 takes an IPv6 address, not 10.0.0.1");
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                Iface.codec()
                    .encode(
                        new Iface(0, 0, 0, 0, 0, Ip.ANY4, Ip.ANY6, "a-name-of-16-byt", 0),
                        buffer,
                        0))
        .withMessageContaining("Iface.name takes at most 15 bytes");
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void fingerprintsTellFamiliesApart(Family family) {
    assertThat(CtKey.FINGERPRINT4).isNotEqualTo(CtKey.FINGERPRINT6);
    assertThat(CtKey.codec(family).size())
        .isEqualTo(family == Family.IPV4 ? CtKey.SIZE4 : CtKey.SIZE6);
  }

  @Test
  void offsetsAreThoseOfTheStructure() {
    assertThat(Pkt.OFFSET_SADDR).isZero();
    assertThat(Pkt.OFFSET_DADDR).isEqualTo(16);
    assertThat(Pkt.OFFSET_SPORT).isEqualTo(64);
    assertThat(Pkt.OFFSET_PROTO).isEqualTo(72);
    assertThat(Pkt.OFFSET_PEER).isEqualTo(112);
    assertThat(Pkt.SIZE).isEqualTo(144);
    assertThat(CtValue.OFFSET4_X).isEqualTo(40);
    assertThat(CtCommon.OFFSET_STATE).isEqualTo(8);
    assertThat(Iface.OFFSET_POLICY_SLOT1).isEqualTo(8);
  }

  @Test
  void constantsHaveNamesForUsers() {
    assertThat(SluiceReason.name(SluiceReason.REASON_POLICY)).isEqualTo("policy");
    assertThat(SluiceReason.name(SluiceReason.REASON_MALFORMED)).isEqualTo("malformed");
    assertThat(SluiceReason.name(9999)).isEqualTo("9999");
    assertThat(SluiceHook.name(SluiceHook.HOOK_OUT)).isEqualTo("out");
    assertThat(SluiceProg.name(SluiceProg.PROG_NEW_FLOW)).isEqualTo("new_flow");
    assertThat(SluiceProgIndex.PROG_FAMILY6).isEqualTo(11);
    assertThat(SluiceProgIndex.PROG_SLOTS).isEqualTo(44);
    assertThat(SluiceCb.CB_DENY).isEqualTo(1);
    assertThat(CtSide.name(CtSide.CT_SIDE_B)).isEqualTo("b");
    assertThat(CtIfindex.name(CtIfindex.CT_IF_STACK)).isEqualTo("stack");
    assertThat(IfaceLimits.IFACE_ARRAY_SIZE).isEqualTo(8192);
    assertThat(SluiceMark.describe(SluiceMark.MARK_SEEN | SluiceMark.MARK_MASQ | 1))
        .isEqualTo("seen,masq,0x1");
    assertThat(CtState.describe(CtState.CT_SYN_A | CtState.CT_HAIRPIN)).isEqualTo("syn_a,hairpin");
    assertThat(RouteFlags.describe(0)).isEmpty();
    assertThat(FrontendFlags.describe(FrontendFlags.FRONTEND_NODE_PORT)).isEqualTo("node_port");
    assertThat(ServiceFlags.describe(3)).isEqualTo("ipv6,in_use");
    assertThat(PktFlags.describe(PktFlags.PKT_SYN)).isEqualTo("syn");
  }
}
