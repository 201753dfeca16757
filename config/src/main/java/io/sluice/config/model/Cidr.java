// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.model;

import io.sluice.config.text.Text;

/**
 * A network: all addresses that share the first {@code prefix} bits of {@code address}.
 *
 * @param address the first address of the network; bits after the prefix are zero
 * @param prefix 0 to 32 or 128
 */
public record Cidr(IpAddress address, int prefix) implements Comparable<Cidr> {
  public Cidr {
    if (prefix < 0 || prefix > address.family().bits()) {
      throw new IllegalArgumentException(
          "prefix length " + prefix + " is not in 0.." + address.family().bits());
    }
    if (!address.equals(address.masked(prefix))) {
      throw new IllegalArgumentException(
          address
              + "/"
              + prefix
              + " has host bits set, write "
              + address.masked(prefix)
              + "/"
              + prefix);
    }
  }

  /** The network of this one address. */
  public static Cidr host(IpAddress address) {
    return new Cidr(address, address.family().bits());
  }

  /**
   * From {@code address/prefix}, without host bits.
   *
   * @throws IllegalArgumentException if the text is none; the message says why
   */
  public static Cidr parse(String text) {
    int slash = text.indexOf('/');
    if (slash < 0) {
      throw new IllegalArgumentException(
          Text.quote(text) + " is not a CIDR, write address/prefix length");
    }
    IpAddress address;
    try {
      address = IpAddress.parse(text.substring(0, slash));
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(Text.quote(text) + " is not a CIDR", e);
    }
    String length = text.substring(slash + 1);
    if (!length.matches("0|[1-9][0-9]{0,2}")) {
      throw new IllegalArgumentException(Text.quote(text) + " is not a CIDR");
    }
    return new Cidr(address, Integer.parseInt(length));
  }

  /** As {@link #parse}; an address alone is the network of that address. */
  public static Cidr parseNetwork(String text) {
    return text.indexOf('/') < 0 ? host(IpAddress.parse(text)) : parse(text);
  }

  public IpFamily family() {
    return address.family();
  }

  public boolean contains(IpAddress other) {
    return other.family() == family() && other.masked(prefix).equals(address);
  }

  @Override
  public int compareTo(Cidr other) {
    int byAddress = address.compareTo(other.address);
    return byAddress != 0 ? byAddress : Integer.compare(prefix, other.prefix);
  }

  @Override
  public String toString() {
    return address + "/" + prefix;
  }
}
