// SPDX-License-Identifier: Apache-2.0
/** The tables that nodes share, as a part of the cluster. */
package io.sluice.cluster.tables;
