// SPDX-License-Identifier: Apache-2.0
package io.sluice.multinode.harness;

/** The family that a test sends with. */
public enum IpVersion {
  V4,
  V6;

  /** Of two addresses the one of this family. */
  public String of(String v4, String v6) {
    return this == V4 ? v4 : v6;
  }

  /** An address and a port as dumps show them. */
  public static String endpoint(String address, int port) {
    return bracketed(address) + ":" + port;
  }

  /** An address as it stands before a port, and among the sources of a traffic report. */
  public static String bracketed(String address) {
    return address.contains(":") ? "[" + address + "]" : address;
  }
}
