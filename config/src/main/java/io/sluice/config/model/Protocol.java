// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.model;

/** A transport protocol that a service, an endpoint or a fail-safe port can have. */
public enum Protocol {
  TCP(6),
  UDP(17),
  SCTP(132);

  private final int number;

  Protocol(int number) {
    this.number = number;
  }

  /** The number in the IP header. */
  public int number() {
    return number;
  }
}
