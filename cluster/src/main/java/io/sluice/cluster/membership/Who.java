// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.membership;

import io.sluice.persistence.CborSerializable;

/**
 * One life of one node's agent.
 *
 * @param node its node's name
 * @param address where others reach it, HOST:PORT
 * @param life differs between two lives at one address
 */
public record Who(String node, String address, long life) implements CborSerializable {
  @Override
  public String toString() {
    return node + " (" + address + ")";
  }
}
