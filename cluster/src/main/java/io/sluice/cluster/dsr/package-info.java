// SPDX-License-Identifier: Apache-2.0
/** Clients that do without direct server return: one list for all nodes. */
package io.sluice.cluster.dsr;
