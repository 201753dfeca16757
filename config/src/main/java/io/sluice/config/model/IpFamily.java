// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.model;

/** An address family; the constants' wire names are Kubernetes' {@code IPv4} and {@code IPv6}. */
public enum IpFamily {
  IPV4("IPv4", 32),
  IPV6("IPv6", 128);

  private final String wireName;
  private final int bits;

  IpFamily(String wireName, int bits) {
    this.wireName = wireName;
    this.bits = bits;
  }

  /** The length of an address in bits. */
  public int bits() {
    return bits;
  }

  @Override
  public String toString() {
    return wireName;
  }
}
